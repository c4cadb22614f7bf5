#!/usr/bin/env bash
# What `pulumi preview --diff` says of a stack, kept as one comment of the pull request. Used by workflow.yaml, and by
# any other CI: it needs pulumi, trustform and a token for the forge in TRUSTFORM_FORGE_TOKEN (in its own CI, the job's).
#
#   STACK   the stack to preview        PRINT   true: print the comment instead of writing it
#
# Ends with 1 when the preview refuses something, after it was told.
set -uo pipefail
# The plugin that was installed, not the one that lies beside trustform on the PATH.
export PULUMI_IGNORE_AMBIENT_PLUGINS="${PULUMI_IGNORE_AMBIENT_PLUGINS:-true}"

work=$(mktemp -d)
code=0
pulumi preview --stack "${STACK:?names the stack}" --diff --non-interactive --color never >"$work/preview.txt" 2>&1 || code=1
if [ $code -eq 0 ]; then
  # Four backticks: what a program prints cannot end the block.
  { echo "### Pulumi preview of \`$STACK\`"; echo; echo '````text'; sed 's/````/`‵``/g' "$work/preview.txt"; echo '````'; } >"$work/preview.md"
  told=(--markdown "$work/preview.md")
else
  told=(--failed "$work/preview.txt")
fi
cat "$work/preview.txt" >&2
if [ "${PRINT:-false}" = true ]; then told+=(--print); fi
trustform pr comment "${told[@]}" --source "pulumi-$STACK" || code=1
rm -rf "$work"
exit $code
