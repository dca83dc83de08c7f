#!/bin/sh
# Made by `keyleak hook install`; `keyleak hook uninstall` takes it away. What stood here before runs afterwards.
stage=${0##*/} before=$0.before-keyleak program=@PROGRAM@ package=@PACKAGE@
if [ ! -x "$program" ] || [ ! -f "$package" ]; then
  package='' program=$(command -v keyleak) || program=
  case $program in /*) ;; *) program='' ;; esac
fi
if [ -z "$program" ]; then
  echo "keyleak: the program is not installed where this hook looks, so $stage stops." >&2
  echo "Install it, or go on once, recorded: KEYLEAK_SKIP='reason' git ..." >&2
  [ -n "${KEYLEAK_SKIP-}" ] || exit 2
  printf '%s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%S+00:00)" "$stage (keyleak is missing)" \
    "$(printf %s "$KEYLEAK_SKIP" | tr '\n' ' ')" >>"$(git rev-parse --git-dir)/keyleak-skips.log" || exit 2
fi
# Isolated, Python imports nothing from this folder, whatever PYTHONPATH and its like say. A program that was
# found on PATH chooses its own Python: for that one these variables are emptied.
check() {
  [ -n "$program" ] || return 0
  [ -z "$package" ] || exec "$program" @ISOLATED@ -m keyleak hook run "$stage" -- "$@"
  PYTHONPATH='' PYTHONHOME='' PYTHONUSERBASE='' PYTHONPYCACHEPREFIX='' PYTHONSAFEPATH=1
  export PYTHONPATH PYTHONHOME PYTHONUSERBASE PYTHONPYCACHEPREFIX PYTHONSAFEPATH
  exec "$program" hook run "$stage" -- "$@"
}
[ -x "$before" ] || { check "$@"; exit 0; }
case $stage in
  pre-push | pre-receive)
    lines=$(cat && echo .) || exit 2
    printf %s "${lines%.}" | (check "$@") && printf %s "${lines%.}" | "$before" "$@" ;;
  *) (check "$@") && exec "$before" "$@" ;;
esac
