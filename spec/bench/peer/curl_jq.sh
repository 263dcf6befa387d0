#!/bin/sh
# curl and jq, one of each for a page, since the next page's cursor stands in the page:  curl_jq.sh BASE_URL
set -eu
count=0 checksum=0 cursor=
while :; do
  answer=$(curl -sS --fail -H 'X-API-Key: bench' "$1/status?paginated=true&limit=100$cursor" |
    jq -r '"\(.data | length) \([.data[].progress] | add) \(.pagination.next_cursor // "")"')
  # shellcheck disable=SC2086 # three words, on purpose
  set -- "$1" $answer
  count=$((count + $2)) checksum=$((checksum + $3))
  [ -n "${4:-}" ] || break
  cursor="&cursor=$4"
done
echo "count=$count checksum=$checksum"
