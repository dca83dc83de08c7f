"""`python -I -m keyleak`; without `-I` Python itself looks for keyleak in the current folder first."""

from keyleak.cli import run

# A process that `multiprocessing` spawns imports this module too, under another name.
if __name__ == "__main__":
    run()
