#!/usr/bin/env bash
# Plans and tells the pull request; the body of action.yml, usable in any CI.
#
#   FILES      manifests, one file or folder per line        SOURCE   name of the comment (default: certificates)
#   OFFLINE    true: ask nothing outside, read no secret     FORK     true: offline, and no comment
#   COMMENT    false: do not write to the forge              COMMIT   head commit that was checked out
#   PULL       number of the pull request; none, no comment  TRUSTFORM the program (default: trustform)
#
# Ends with 0 when there is nothing to do or there are changes, 1 when no plan could be made, 3 when it is blocked.
set -uo pipefail

program=${TRUSTFORM:-trustform}
work=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/trustform-XXXXXX")

files=()
while IFS= read -r line; do
  [ -n "$line" ] && files+=("$line")
done <<<"${FILES:?names the manifests}"

# A fork's configuration meets no credential.
offline=()
if [ "${OFFLINE:-false}" = true ] || [ "${FORK:-false}" = true ]; then offline=(--offline); fi
if [ "${FORK:-false}" = true ]; then unset TRUSTFORM_STATE TRUSTFORM_MASTER_KEY; fi
[ -n "${TRUSTFORM_STATE:-}" ] || unset TRUSTFORM_STATE

code=0
if ! "$program" validate -f "${files[@]}" --format json >"$work/diagnostics.json" 2>"$work/error.txt"; then
  # On GitHub the lines of the change are marked.
  [ "${GITHUB_ACTIONS:-}" = true ] && "$program" validate -f "${files[@]}" --format github
  if [ -s "$work/diagnostics.json" ]; then
    told=(--diagnostics "$work/diagnostics.json") result=invalid
  else
    told=(--failed "$work/error.txt") result=failed
  fi
  code=1
else
  "$program" plan -f "${files[@]}" ${offline[@]+"${offline[@]}"} --json --detailed-exitcode >"$work/plan.json" 2>"$work/error.txt"
  code=$?
  told=(--plan "$work/plan.json")
  case $code in
    0) result=nothing ;;
    2) result=changes code=0 ;;
    3) result=blocked ;;
    *) result=failed told=(--failed "$work/error.txt") ;;
  esac
fi
cat "$work/error.txt" >&2

about=(--source "${SOURCE:-certificates}")
[ -n "${COMMIT:-}" ] && about+=(--commit "$COMMIT")
"$program" pr comment "${told[@]}" "${about[@]}" --print >"$work/comment.md"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$work/comment.md" >>"$GITHUB_STEP_SUMMARY"; else cat "$work/comment.md"; fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  { echo "result=$result"; [ -s "$work/plan.json" ] && echo "plan=$work/plan.json"; } >>"$GITHUB_OUTPUT"
fi

if [ -n "${PULL:-}" ] && [ "${COMMENT:-true}" = true ] && [ "${FORK:-false}" != true ]; then
  # A comment that cannot be written is a failure, but never hides what the plan says.
  "$program" pr comment "${told[@]}" "${about[@]}" --pull "$PULL" || { [ $code -ne 0 ] || code=1; }
fi
exit $code
