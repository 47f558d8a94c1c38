#!/bin/sh
# curl as a client: create, insert 100,000 rows of mixed types, read them back, errors, codings. SPDX-License-Identifier: Apache-2.0
url=$1
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check() { # name expected got
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); printf '%s: expected [%s], got [%s]\n' "$1" "$2" "$3"; fi
}
ask() { curl -sS "$url/" --data-binary "$1"; }

check ping 'Ok.' "$(curl -sS "$url/ping")"
check replicas 'Ok.' "$(curl -sS "$url/replicas_status")"
check get 1 "$(curl -sS "$url/?query=SELECT%201")"
check version 4 "$(ask 'SELECT length(splitByChar(char(46), version()))')"
check play 1 "$(curl -sS "$url/play" | grep -c '<title>')"
ask 'DROP TABLE IF EXISTS curl_mixed' >/dev/null
check create '' "$(ask 'CREATE TABLE curl_mixed (id UInt64, i Int32, f Float64, s String, n Nullable(Int64), d Date, t DateTime64(3, '"'UTC'"'), a Array(UInt16), l LowCardinality(String), b Bool, e Decimal(18, 4), u UUID) ENGINE = MergeTree ORDER BY id')"
awk 'BEGIN { for (i = 0; i < 100000; i++) {
    n = i % 7 == 0 ? "\\N" : i * 3
    printf "%d\t%d\t%d.5\tname \\t%d\t%s\t20%02d-0%d-1%d\t2024-01-01 00:%02d:%02d.%03d\t[%d,%d]\tlow%d\t%s\t%d.%04d\t00000000-0000-0000-0000-%012d\n",
        i, i % 1000 - 500, i, i, n, i % 60 + 10, i % 9 + 1, i % 9, i % 60, (i / 60) % 60, i % 1000, i % 100, i % 50, i % 10, i % 2 ? "true" : "false", i, i % 10000, i } }' >"$work/in.tsv"
check insert '' "$(curl -sS "$url/?query=INSERT%20INTO%20curl_mixed%20FORMAT%20TabSeparated" -H 'Transfer-Encoding: chunked' --data-binary @"$work/in.tsv")"
check count 100000 "$(ask 'SELECT count() FROM curl_mixed')"
ask 'SELECT * FROM curl_mixed ORDER BY id SETTINGS output_format_decimal_trailing_zeros = 1 FORMAT TabSeparated' >"$work/out.tsv"
check 'read back' "$(cksum <"$work/in.tsv")" "$(cksum <"$work/out.tsv")"
check gzip "$(cksum <"$work/in.tsv")" "$(curl -sS --compressed -H 'Accept-Encoding: gzip' "$url/" --data-binary 'SELECT * FROM curl_mixed ORDER BY id SETTINGS output_format_decimal_trailing_zeros = 1' | cksum)"
gzip -c "$work/in.tsv" >"$work/in.gz"
check 'gzip insert' '' "$(curl -sS "$url/?query=INSERT%20INTO%20curl_mixed%20FORMAT%20TSV" -H 'Content-Encoding: gzip' --data-binary @"$work/in.gz")"
check 'count after' 200000 "$(ask 'SELECT count() FROM curl_mixed')"
check 'error body' 1 "$(ask 'SELECT nonsense_name' | grep -c '^Code: 47. DB::Exception: .*(UNKNOWN_IDENTIFIER)')"
check 'error status' 404 "$(curl -sS -o /dev/null -w '%{http_code}' "$url/" --data-binary 'SELECT * FROM no_such_table')"
check 'error header' 62 "$(curl -sS -o /dev/null -D - "$url/" --data-binary 'SELEC 1' | tr -d '\r' | awk -F': ' '$1 == "X-ClickHouse-Exception-Code" { print $2 }')"
check 'get is readonly' 164 "$(curl -sS -o /dev/null -D - "$url/?query=DROP%20TABLE%20curl_mixed" | tr -d '\r' | awk -F': ' '$1 == "X-ClickHouse-Exception-Code" { print $2 }')"
check 'format header' JSONEachRow "$(curl -sS -o /dev/null -D - "$url/" --data-binary 'SELECT 1 FORMAT JSONEachRow' | tr -d '\r' | awk -F': ' '$1 == "X-ClickHouse-Format" { print $2 }')"
check parameter 42 "$(curl -sS "$url/?param_x=42" --data-binary 'SELECT {x:UInt32}')"
check 'wrong user' 403 "$(curl -sS -o /dev/null -w '%{http_code}' -u nobody:wrong "$url/" --data-binary 'SELECT 1')"
check 'external table' '6' "$(curl -sS "$url/?query=SELECT%20sum(a)%20FROM%20ext&ext_structure=a%20Int32" -F 'ext=@-;filename=x' <<X
1
2
3
X
)"
check drop '' "$(ask 'DROP TABLE curl_mixed')"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
