#!/usr/bin/env python3
"""Verifies an evidence bundle of unbroken, from docs/evidence-format.md alone.

    verify.py BUNDLE [--anchors FILE] [--seal-key KEY]

Checks the manifest, the chain, the seals, the messages, and the signatures of every answer under the chain that was
served with it. Makes no decision anew and computes no continuity. Exit status: 0 it holds, 1 it does not, 2 it cannot be
read. Standard library, `cryptography` and `dnspython`.
"""

import argparse
import base64
import datetime
import hashlib
import json
import pathlib
import re
import sys
import tarfile

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BLOB = re.compile(r"[0-9a-f]{64}\Z")
LARGEST_BLOB, LARGEST_NOTE = 16 << 20, 1 << 20
ZEROS = "0" * 64
SOA, NS, DS, DNSKEY, RRSIG = (dns.rdatatype.from_text(t) for t in ("SOA", "NS", "DS", "DNSKEY", "RRSIG"))


class Unreadable(Exception):
    """Exit status 2."""


def sha256(octets):
    return hashlib.sha256(octets).digest()


class Findings:
    def __init__(self):
        self.all = []

    def __call__(self, code, text):
        self.all.append((code, text))


# --- the bundle -------------------------------------------------------------------------------------------------------


class Bundle:
    """The octets of every file, by its path in the bundle."""

    def __init__(self, path):
        self.sizes = {}
        path = pathlib.Path(path)
        if path.is_dir():
            self.read = self.from_folder(path)
        else:
            self.read = self.from_tar(path)
        if "MANIFEST.json" not in self.sizes or "journal.ndjson" not in self.sizes:
            raise Unreadable("no MANIFEST.json or journal.ndjson in it")
        for name, size in self.sizes.items():
            most = LARGEST_BLOB if name.startswith("blobs/") else LARGEST_NOTE
            if name != "journal.ndjson" and not name.startswith("vantages/") and size > most:
                raise Unreadable(f"{name} has {size} octets")

    def put(self, name, size):
        parts = name.split("/")
        if any(part in ("", ".", "..") for part in parts) or len(parts) > 2 or name in self.sizes:
            raise Unreadable(f"{name!r} is no path of a bundle, or is there twice")
        if len(parts) == 2 and parts[0] not in ("blobs", "seals", "vantages"):
            raise Unreadable(f"{name!r} is no path of a bundle")
        self.sizes[name] = size

    def from_folder(self, root):
        for file in sorted(root.rglob("*")):
            if file.is_symlink() or not (file.is_dir() or file.is_file()):
                raise Unreadable(f"{file} is no plain file")
            if file.is_file():
                self.put(file.relative_to(root).as_posix(), file.stat().st_size)
        return lambda name: (root / name).read_bytes()

    def from_tar(self, path):
        try:
            tar = tarfile.open(path, "r:")
            members = {}
            for member in tar:
                if member.isdir():
                    continue
                if not member.isreg():
                    raise Unreadable(f"{member.name} is no plain file")
                name = member.name[2:] if member.name.startswith("./") else member.name
                self.put(name, member.size)
                members[name] = member
        except (tarfile.TarError, OSError) as error:
            raise Unreadable(str(error)) from error
        return lambda name: tar.extractfile(members[name]).read()


# --- the chain, the tree, the manifest --------------------------------------------------------------------------------


class Tree:
    """RFC 6962, section 2.1, over the hashes of the lines."""

    def __init__(self):
        self.size, self.edge = 0, []

    def push(self, leaf):
        node, size = sha256(b"\0" + leaf), self.size
        while size & 1:
            node = sha256(b"\1" + self.edge.pop() + node)
            size >>= 1
        self.edge.append(node)
        self.size += 1

    def root(self):
        if not self.edge:
            return sha256(b"")
        *rest, node = self.edge
        for left in reversed(rest):
            node = sha256(b"\1" + left + node)
        return node


def names_of_blobs(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "blob" and isinstance(inner, str):
                if BLOB.match(inner):
                    yield inner
            else:
                yield from names_of_blobs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_of_blobs(inner)


class Journal:
    def __init__(self, octets, sizes, say):
        self.entries, self.named, self.tree = [], {}, Tree()
        self.roots = {}
        self.zone, self.ends, self.whole = None, "no-plan", True
        prev, self.octets = ZEROS, 0
        lines = octets.split(b"\n")
        if lines.pop() != b"":
            say("line-torn", "the last line has no end")
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                form, seq, stated = entry["format"], entry["seq"], entry["prev"]
                kind, body, at = entry["kind"], entry["body"], moment(entry["at"])
            except (ValueError, KeyError, TypeError) as error:
                say("line-form", f"line {number}: {error}")
                self.whole = False
                break
            if form != 1:
                raise Unreadable(f"line {number} has format {form}")
            if seq != number or stated != prev:
                say("line-chain", f"line {number}: it does not follow the line before it")
                self.whole = False
                break
            digest = sha256(line)
            prev = digest.hex()
            self.tree.push(digest)
            self.octets += len(line) + 1
            if number in sizes:
                self.roots[number] = self.tree.root()
            self.take(number, kind, body, at)
        self.head = prev

    def take(self, number, kind, body, at):
        self.entries.append((number, kind, body, at))
        for blob in names_of_blobs(body):
            self.named.setdefault(blob, number)
        if kind == "plan":
            self.ends = "under-way"
        if kind == "end":
            self.ends = "ended"
        if self.zone is None and kind == "servers":
            self.zone = body["topology"]["zone"]
        if self.zone is None and kind == "plan":
            self.zone = body["zone"]

    def part(self):
        return {
            "entries": self.tree.size,
            "octets": self.octets,
            "head": self.head,
            "root": self.tree.root().hex(),
            "ends": self.ends,
        }


def moment(text):
    if isinstance(text, bool):
        raise ValueError("no time")
    if isinstance(text, int):
        return datetime.datetime.fromtimestamp(text, datetime.timezone.utc)
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", text)
    if not found:
        raise ValueError(f"{text!r} is no time")
    whole = datetime.datetime.fromisoformat(found[1]).replace(tzinfo=datetime.timezone.utc)
    return whole + datetime.timedelta(microseconds=int((found[2] or "0").ljust(9, "0")[:6]))


def check_manifest(bundle, journal, say):
    octets = bundle.read("MANIFEST.json")
    try:
        read = json.loads(octets)
        form = read["format"]
    except (ValueError, KeyError, TypeError) as error:
        say("manifest", str(error))
        return
    if form != 1:
        raise Unreadable(f"the bundle has format {form}")
    files = {
        name: {"octets": bundle.sizes[name], "sha256": sha256(bundle.read(name)).hex()}
        for name in sorted(bundle.sizes)
        if name not in ("MANIFEST.json", "journal.ndjson") and not name.startswith("blobs/")
    }
    there = [blob for blob in journal.named if f"blobs/{blob}" in bundle.sizes]
    made = {
        "format": 1,
        "zone": journal.zone,
        "journal": journal.part(),
        "blobs": {"count": len(there), "octets": sum(bundle.sizes[f"blobs/{blob}"] for blob in there)},
        "files": files,
    }
    if (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode() != octets:
        say("manifest", "it is not what the rest of the bundle comes to")


def check_blobs(bundle, journal, say):
    blobs = {}
    for blob, number in journal.named.items():
        name = f"blobs/{blob}"
        if name not in bundle.sizes:
            say("blob-missing", f"{blob}, named by entry {number}")
            continue
        octets = bundle.read(name)
        if sha256(octets).hex() != blob:
            say("blob-altered", f"{blob}, named by entry {number}")
            continue
        blobs[blob] = octets
    for name in bundle.sizes:
        if name.startswith("blobs/") and name[6:] not in journal.named and journal.whole:
            say("blob-unnamed", name)
    return blobs


# --- seals ------------------------------------------------------------------------------------------------------------


def read_key(text):
    name, _, key = text.strip().split("+", 2)
    octets = base64.b64decode(key, validate=True)
    if octets[0] != 1 or len(octets) != 33:
        raise ValueError("no Ed25519 key")
    return name, octets[1:]


def key_id(name, public):
    return sha256(name.encode() + b"\n\x01" + public)[:4]


def origin(name, zone):
    bare = zone.rstrip(".")
    if not bare:
        return f"{name}/%2E"
    plain = "abcdefghijklmnopqrstuvwxyz0123456789-_."
    return f"{name}/" + "".join(c if c in plain else "".join(f"%{o:02X}" for o in c.encode()) for c in bare)


def read_seal(name, octets):
    """The text that is signed, its three lines, and the signatures."""
    whole = octets.decode("utf-8")
    if any(c < " " and c != "\n" for c in whole) or not whole.endswith("\n"):
        raise ValueError("control characters, or no end")
    text, signatures = whole[: whole.rindex("\n\n") + 1], whole[whole.rindex("\n\n") + 2 : -1]
    lines = text.split("\n")
    size = int(lines[1])
    if str(size) != lines[1] or name != f"seals/{size}.checkpoint":
        raise ValueError("the number of entries")
    read = []
    for line in signatures.split("\n"):
        dash, key, signature = line.split(" ")
        if dash != "\u2014":
            raise ValueError("a signature line")
        signature = base64.b64decode(signature, validate=True)
        read.append((key, signature[:4], signature[4:]))
    return text, lines[0], size, base64.b64decode(lines[2], validate=True), read


def check_seals(bundle, journal, seals, given, say):
    sealed, along = 0, []
    if "seals/keys" in bundle.sizes:
        for line in bundle.read("seals/keys").decode("utf-8", "replace").splitlines():
            try:
                along.append(read_key(line))
            except ValueError as error:
                say("seal-key", str(error))
    for name, seal in seals.items():
        text, named, size, root, signatures = seal
        good = False
        for key, public in given or along:
            if journal.zone is not None and key != named:
                key = origin(key, journal.zone)
                key = f"{key}/watch" if named == f"{key}/watch" else key
            for signer, signed_id, signature in signatures:
                if (signer, signed_id) != (key, key_id(key, public)) or signer != named:
                    continue
                try:
                    Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
                    good = True
                except InvalidSignature:
                    say("seal-signature", name)
        if not good:
            say("seal-unsigned", f"{name}: no known key signed it")
        if size in journal.roots:
            if journal.roots[size] != root:
                say("seal-root", f"{name}: it is over other entries")
            elif good:
                sealed = max(sealed, size)
        elif journal.whole:
            say("cut", f"{name}: it is over {size} entries, and the journal has {journal.tree.size}")
    if given and not sealed:
        say("seal-missing", "no good seal of the given key")
    return sealed


# --- time stamps: what they are over; who signed them is for openssl ------------------------------------------------------


def elements(octets):
    """The DER elements in a value: (tag, value)."""
    out, at = [], 0
    while at < len(octets):
        tag, length, at = octets[at], octets[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise ValueError("a length that DER does not have")
            length, at = int.from_bytes(octets[at : at + size], "big"), at + size
        if at + length > len(octets):
            raise ValueError("an element is cut")
        out.append((tag, octets[at : at + length]))
        at += length
    return out


def inside(octets, *path):
    """Goes down: each step is the number of an element and its tag."""
    for number, tag in path:
        found, octets = elements(octets)[number]
        if found != tag:
            raise ValueError("another form")
    return octets


def check_stamps(bundle, say):
    hashes = {"608648016503040201": hashlib.sha256, "608648016503040202": hashlib.sha384, "608648016503040203": hashlib.sha512}
    for name in bundle.sizes:
        if not (name.startswith("seals/") and name.endswith(".tsr")):
            continue
        try:
            octets = bundle.read(name)
            if len(octets) > 64 << 10 or not name[6:-4].isdigit() or len(elements(octets)) != 1:
                raise ValueError("too large, misnamed, or followed by something")
            if int.from_bytes(inside(octets, (0, 0x30), (0, 0x30), (0, 0x02)), "big") > 1:
                raise ValueError("not granted")
            signed = inside(octets, (0, 0x30), (1, 0x30), (1, 0xA0), (0, 0x30), (2, 0x30))
            if inside(signed, (0, 0x06)).hex() != "2a864886f70d0109100104":
                raise ValueError("no time stamp")
            imprint = inside(signed, (1, 0xA0), (0, 0x04), (0, 0x30), (2, 0x30))
            method, hashed = inside(imprint, (0, 0x30), (0, 0x06)).hex(), inside(imprint, (1, 0x04))
        except (ValueError, IndexError) as error:
            say("stamp-form", f"{name}: {error}")
            continue
        seal = f"seals/{name[6:-4]}.checkpoint"
        if seal not in bundle.sizes:
            say("stamp-seal", f"{name}: there is no seal beside it")
        elif method in hashes and hashes[method](bundle.read(seal)).digest() != hashed:
            say("stamp-imprint", f"{name}: it is over something else")


# --- channels ------------------------------------------------------------------------------------------------------------


def public_keys(form, octets):
    """The public keys in a body that came over a provider's channel, base64."""
    if form == "dns":
        message = dns.message.from_wire(octets)
        asked = message.question[0].name
        return {base64.b64encode(key.key).decode() for rrset in message.answer
                if rrset.rdtype == DNSKEY and rrset.name == asked for key in rrset}
    text = octets.decode("utf-8", "replace").replace("\\/", "/")
    return {word for word in re.split(r"[^A-Za-z0-9+/=]", text) if len(word) >= 40}


def check_channels(journal, blobs, say):
    """Holds the keys that a channel is said to know against the bodies that came over it."""
    for number, kind, body, _ in journal.entries:
        if kind != "channel" or "Ok" not in body["read"]:
            continue
        said = {key["public_key"] for key in body["read"]["Ok"]["keys"]}
        came = [one["received"] for one in body.get("exchanges", []) if one.get("received")]
        came = [(one["form"], blobs[one["blob"]]) for one in came if one["blob"] in blobs]
        if not came:
            continue
        try:
            held = [public_keys(form, octets) for form, octets in came]
        except (dns.exception.DNSException, ValueError, IndexError):
            held = [set()]
        alone = len(came) == 1 and came[0][0] == "dns"
        if (said != held[0]) if alone else not said <= set().union(*held):
            say("channel-differs", f"entry {number}: {body['provider']}")


# --- answers ----------------------------------------------------------------------------------------------------------


def anchors_of(path):
    out = {}
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.split(";")[0].split()
        if not words:
            continue
        at = words.index("DS")
        out.setdefault(dns.name.from_text(words[0]), []).append(
            dns.rdata.from_text("IN", "DS", " ".join(words[at + 1 :]))
        )
    return out


class Chain:
    """The latest answers: above the zone by question, the parent's DS by address, the zone's keys by address."""

    def __init__(self, anchors):
        self.anchors, self.above, self.ds, self.keys = anchors, {}, {}, {}
        self.memo = {}

    def trusted(self, zone, ds, message, at):
        """The keys of a zone that DS records name and whose set one of those keys signs."""
        sets = message.get_rrset(message.answer, zone, dns.rdataclass.IN, DNSKEY)
        signatures = message.get_rrset(message.answer, zone, dns.rdataclass.IN, RRSIG, DNSKEY)
        if sets is None or signatures is None or not ds:
            return None
        named = []
        for key in sets:
            for one in ds:
                try:
                    if dns.dnssec.make_ds(zone, key, {1: "SHA1", 2: "SHA256", 4: "SHA384"}[one.digest_type]) == one:
                        named.append(key)
                except (KeyError, dns.exception.DNSException):
                    pass
        if not named:
            return None
        entry = {zone: dns.rrset.from_rdata_list(zone, sets.ttl, named)}
        try:
            dns.dnssec.validate(sets, signatures, entry, now=at)
        except dns.exception.DNSException:
            return None
        return {zone: sets}


def signed_by(message, zone, keys, at):
    """Whether every RRset of answer and authority is signed by the zone's keys; referrals and glue aside."""
    seen = False
    for section in (message.answer, message.authority):
        for rrset in section:
            if rrset.rdtype == RRSIG or rrset.rdtype == dns.rdatatype.from_text("CNAME") and not rrset.name.is_subdomain(zone):
                continue
            found = message.get_rrset(section, rrset.name, dns.rdataclass.IN, RRSIG, rrset.rdtype)
            if found is None:
                return False
            try:
                dns.dnssec.validate(rrset, found, keys, now=at)
            except dns.exception.DNSException:
                return False
            seen = True
    return seen


class Answers:
    """Judges every answer at its recorded time; each message once under each chain and in each stretch of time."""

    def __init__(self, journal, blobs, anchors, say):
        self.blobs, self.say, self.chain = blobs, say, Chain(anchors)
        self.messages, self.verdicts, self.zone, self.parent = {}, {}, None, None
        self.secure = self.unproven = 0
        self.unreached = {}
        for number, kind, body, _ in journal.entries:
            if kind == "servers":
                self.zone = dns.name.from_text(body["topology"]["zone"])
                self.parent = dns.name.from_text(body["topology"]["parent"])
            if kind == "sweep":
                self.sweep(number, body)

    def message(self, blob):
        if blob not in self.messages:
            try:
                self.messages[blob] = dns.message.from_wire(self.blobs[blob])
            except (KeyError, dns.exception.DNSException, ValueError):
                self.messages[blob] = None
        return self.messages[blob]

    def sweep(self, number, body):
        seen = []
        for one in body["observations"]:
            outcome = one["outcome"]
            if not isinstance(outcome, dict) or "answer" not in outcome:
                continue
            blob, name = outcome["answer"]["blob"], dns.name.from_text(one["name"])
            rdtype, place = dns.rdatatype.from_text(one["type"]), one["place"]
            seen.append((one, blob, name, rdtype, place))
            if isinstance(place, dict) and "ancestor" in place:
                self.chain.above[(name, rdtype)] = blob
            elif place == "parent" and rdtype == DS:
                self.chain.ds[one["address"]] = blob
            elif rdtype == DNSKEY and name == self.zone:
                self.chain.keys[one["address"]] = blob
        for one, blob, name, rdtype, place in seen:
            if place == "parent" and rdtype != DS:
                continue  # A delegation: nobody signs it.
            provider = isinstance(place, dict) and place.get("provider")
            at = int(moment(one["done"]).timestamp())
            good = self.judge(blob, name, rdtype, one["address"] if provider else None, at)
            if good is None:
                self.unproven += 1
            elif good:
                self.secure += 1
            elif provider:
                # Whether resolvers were led there takes the timeline of the delegation, which is not made here.
                self.unreached.setdefault(provider, []).append((number, blob))
            else:
                self.say("answer-bogus", f"entry {number}: {name} {one['type']} from {one['server']}, message {blob}")

    def judge(self, blob, name, rdtype, address, at):
        keys = self.chain.keys.get(address)
        used = (blob, name, rdtype, address is not None, keys, tuple(sorted(self.chain.above.items(), key=str)),
                tuple(sorted(self.chain.ds.items())) if address else ())
        held = self.verdicts.setdefault(used, [])
        for start, end, verdict in held:
            if start <= at < end:
                return verdict
        verdict = self.work(blob, name, rdtype, address, keys, at)
        held.append((*self.steady(used, at), verdict))
        return verdict

    def steady(self, used, at):
        """The stretch around a moment in which no signature of these messages begins or ends."""
        start, end = -(1 << 62), 1 << 62
        blobs = {used[0], used[4]} | {blob for _, blob in used[5]} | {blob for _, blob in used[6]}
        for blob in blobs - {None}:
            message = self.message(blob)
            for rrset in (message.answer + message.authority) if message else []:
                for one in rrset if rrset.rdtype == RRSIG else []:
                    for change in (one.inception, one.expiration + 1):
                        if change <= at:
                            start = max(start, change)
                        else:
                            end = min(end, change)
        return start, end

    def work(self, blob, name, rdtype, address, keys, at):
        message = self.message(blob)
        if message is None or message.rcode() not in (0, 3) or message.flags & dns.flags.TC:
            return None
        trusted = self.walk(at)
        if address is None:
            zone = name if rdtype == DNSKEY else name.parent()
            if rdtype == DNSKEY:
                return zone in trusted and message.get_rrset(message.answer, zone, dns.rdataclass.IN, DNSKEY) is not None \
                    and signed_by(message, zone, {zone: trusted[zone]}, at)
            while zone not in trusted and zone != dns.name.root:
                zone = zone.parent()
            return zone in trusted and signed_by(message, zone, {zone: trusted[zone]}, at)
        if self.parent not in trusted or keys is None:
            return False
        for parent in self.chain.ds.values():
            answer = self.message(parent)
            ds = answer and answer.get_rrset(answer.answer, self.zone, dns.rdataclass.IN, DS)
            if not ds or not signed_by(answer, self.parent, {self.parent: trusted[self.parent]}, at):
                continue
            own = self.chain.trusted(self.zone, list(ds), self.message(keys), at) if self.message(keys) else None
            if own and signed_by(message, self.zone, own, at):
                return True
        return False

    def walk(self, at):
        """The keys of each zone from the anchor down."""
        trusted = {}
        zones = sorted({name for name, kind in self.chain.above if kind == DNSKEY}, key=len)
        for zone in zones:
            ds = self.chain.anchors.get(zone)
            above = self.chain.above.get((zone, DS))
            if ds is None and above is not None:
                answer, parent = self.message(above), zone.parent()
                while parent not in trusted and parent != dns.name.root:
                    parent = parent.parent()
                if answer and parent in trusted and signed_by(answer, parent, {parent: trusted[parent]}, at):
                    ds = answer.get_rrset(answer.answer, zone, dns.rdataclass.IN, DS)
            message = self.message(self.chain.above[(zone, DNSKEY)])
            own = self.chain.trusted(zone, list(ds or []), message, at) if message else None
            if own:
                trusted[zone] = own[zone]
        return trusted


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle")
    parser.add_argument("--anchors")
    parser.add_argument("--seal-key", action="append", default=[])
    parser.add_argument("--hashes", action="store_true")
    arguments = parser.parse_args()
    say = Findings()
    try:
        bundle = Bundle(arguments.bundle)
        seals = {}
        for name in bundle.sizes:
            if name.startswith("seals/") and name.endswith(".checkpoint"):
                try:
                    seals[name] = read_seal(name, bundle.read(name))
                except (ValueError, IndexError) as error:
                    say("seal-form", f"{name}: {error}")
        journal = Journal(bundle.read("journal.ndjson"), {seal[2] for seal in seals.values()}, say)
        check_manifest(bundle, journal, say)
        blobs = check_blobs(bundle, journal, say)
        sealed = check_seals(bundle, journal, seals, [read_key(key) for key in arguments.seal_key], say)
        check_stamps(bundle, say)
        if not arguments.hashes:
            check_channels(journal, blobs, say)
        print(f"{journal.tree.size} entries, head {journal.head}, sealed up to {sealed}, {journal.ends}")
        if not arguments.hashes and arguments.anchors:
            answers = Answers(journal, blobs, anchors_of(arguments.anchors), say)
            unreached = {name: len(seen) for name, seen in answers.unreached.items()}
            print(f"{answers.secure} secure, {answers.unproven} no answers, not proven at {unreached}")
    except Unreadable as error:
        print(f"unreadable: {error}", file=sys.stderr)
        return 2
    for code, text in say.all:
        print(f"FAILS {code}: {text}")
    return 1 if say.all else 0


if __name__ == "__main__":
    sys.exit(main())
