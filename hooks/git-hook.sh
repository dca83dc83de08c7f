#!/bin/sh
# Made by `keyleak hook install`; `keyleak hook uninstall` takes it away. What stood here before runs afterwards.
stage=${0##*/} before=$0.before-keyleak program=@PROGRAM@
[ -x "$program" ] || program=$(command -v keyleak) || program=
if [ -z "$program" ]; then
  echo "keyleak: the program is not installed where this hook looks, so $stage stops." >&2
  echo "Install it, or go on once, recorded: KEYLEAK_SKIP='reason' git ..." >&2
  [ -n "${KEYLEAK_SKIP-}" ] || exit 2
  printf '%s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%S+00:00)" "$stage (keyleak is missing)" \
    "$(printf %s "$KEYLEAK_SKIP" | tr '\n' ' ')" >>"$(git rev-parse --git-dir)/keyleak-skips.log" || exit 2
  program=true
fi
[ -x "$before" ] || exec "$program" hook run "$stage" -- "$@"
case $stage in
  pre-push | pre-receive)
    lines=$(cat && echo .) || exit 2
    printf %s "${lines%.}" | "$program" hook run "$stage" -- "$@" && printf %s "${lines%.}" | "$before" "$@" ;;
  *) "$program" hook run "$stage" -- "$@" && exec "$before" "$@" ;;
esac
