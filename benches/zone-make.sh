#!/bin/sh
# Makes the zones that benches/zone.sh measures with, in the folder $1: N owners with one RRset each, unsigned and signed
# by BIND's tools (P-256, Ed25519, RSA-2048; NSEC, and NSEC3 for P-256), the small ones by ldns' too. What is there already is kept.
# usage: benches/zone-make.sh FOLDER [SIZE]...   (sizes: 10000 100000 1000000)
set -eu
folder=$1
shift
[ $# -gt 0 ] || set -- 10000 100000
mkdir -p "$folder"
cd "$folder"

plain() {
    awk -v n="$1" 'BEGIN {
        print "bench.test. 3600 IN SOA ns1.bench.test. host.bench.test. 1 7200 3600 1209600 3600"
        print "bench.test. 3600 IN NS ns1.bench.test."
        print "ns1.bench.test. 3600 IN A 192.0.2.1"
        for (i = 0; i < n; i++) {
            o = "h" i ".bench.test. 3600 IN "
            if (i % 5 == 0) print o "A 192.0." int(i / 256) % 256 "." i % 256
            else if (i % 5 == 1) printf "%sAAAA 2001:db8::%x:%x\n", o, int(i / 65536), i % 65536
            else if (i % 5 == 2) print o "MX 10 h" i - 2 ".bench.test."
            else if (i % 5 == 3) print o "TXT \"text number " i "\""
            else print o "CNAME h" i - 4 ".bench.test."
        }
    }'
}

# $1 algorithm as dnssec-keygen writes it, $2 its short name, $3 bits or nothing
keys() {
    mkdir -p "keys-$2"
    [ -s "keys-$2/done" ] && return
    # shellcheck disable=SC2086
    dnssec-keygen -q -K "keys-$2" -a "$1" ${3:+-b $3} -f KSK bench.test >/dev/null
    # shellcheck disable=SC2086
    dnssec-keygen -q -K "keys-$2" -a "$1" ${3:+-b $3} bench.test >/dev/null
    echo yes >"keys-$2/done"
}

# $1 size, $2 short name of the algorithm, $3 nsec or nsec3
signed() {
    out="$1-$2-$3.zone"
    [ -s "$out" ] && return
    extra=
    [ "$3" = nsec3 ] && extra="-3 - -H 0"
    # shellcheck disable=SC2086
    dnssec-signzone -q -S -K "keys-$2" -P -O full -e now+31536000 $extra -d . -o bench.test -f "$out.part" "$1.zone" >/dev/null 2>&1
    mv "$out.part" "$out"
}

# $1 size, $2 nsec or nsec3, $3 what ldns-signzone is told more
signed_by_ldns() {
    out="$1-ldns-$2.zone"
    [ -s "$out" ] && return
    mkdir -p keys-ldns
    [ -s keys-ldns/ksk ] || (cd keys-ldns && ldns-keygen -a ECDSAP256SHA256 -k bench.test >ksk && ldns-keygen -a ECDSAP256SHA256 bench.test >zsk)
    # shellcheck disable=SC2086
    ldns-signzone -e "$(date -u -d '+300 days' +%Y%m%d%H%M%S)" $3 -f "$out.part" "$1.zone" "keys-ldns/$(cat keys-ldns/ksk)" "keys-ldns/$(cat keys-ldns/zsk)"
    mv "$out.part" "$out"
}

keys ECDSAP256SHA256 p256 ""
keys ED25519 ed25519 ""
keys RSASHA256 rsa2048 2048
for size in "$@"; do
    [ -s "$size.zone" ] || plain "$size" >"$size.zone"
    [ -s "$size-other.zone" ] || awk 'BEGIN { srand(7) } { n++; if (n % 2500 == 7) sub(/ 3600 /, " 3601 "); print rand() "\t" $0 }' "$size.zone" |
        sort | cut -f2- >"$size-other.zone"
    signed "$size" p256 nsec
    signed "$size" p256 nsec3
    if [ "$size" -le 100000 ]; then
        signed "$size" ed25519 nsec
        signed "$size" rsa2048 nsec
    fi
    if [ "$size" -le 10000 ]; then
        signed_by_ldns "$size" nsec ""
        signed_by_ldns "$size" nsec3 "-n -t 0"
    fi
done
