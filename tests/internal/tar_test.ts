import assert from "node:assert/strict";
import { encodeTarHeader, TarError, type TarHeader, TarHeaderParser, tarPadding } from "../../src/internal/tar/room.ts";
import { exec, ok, peerTest } from "../support/peers.ts";

interface Entry {
  header: TarHeader;
  payload: Uint8Array;
}

/** Reads a whole archive in memory. */
function readTar(bytes: Uint8Array): Entry[] {
  const parser = new TarHeaderParser();
  const entries: Entry[] = [];
  let at = 0, zeros = 0;
  const take = (size: number) => bytes.subarray(at, at += size);
  while (zeros < 2) {
    const step = parser.block(take(512));
    zeros = step.kind === "zero" ? zeros + 1 : 0;
    if (step.kind === "extension") parser.extension(take(step.size));
    if (step.kind === "entry") entries.push({ header: step.header, payload: take(step.header.size) });
    if (step.kind !== "zero") at += tarPadding(step.kind === "entry" ? step.header.size : step.size);
  }
  return entries;
}

function find(entries: Entry[], name: string): TarHeader {
  const entry = entries.find(({ header }) => header.name === name);
  assert.ok(entry, `${name} is among ${entries.map(({ header }) => header.name)}`);
  return entry.header;
}

const ascii = (text: string) => new TextEncoder().encode(text);
const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Changes a header block and corrects its checksum. */
function patch(block: Uint8Array, offset: number, text: string): Uint8Array<ArrayBuffer> {
  const patched = Uint8Array.from(block);
  patched.set(latin1(text), offset);
  patched.fill(0x20, 148, 156);
  const sum = patched.reduce((a, b) => a + b, 0);
  patched.set(ascii(sum.toString(8).padStart(6, "0") + "\0 "), 148);
  return patched;
}

const FILE = encodeTarHeader({ name: "file", type: "file", size: 3 });

Deno.test("tarPadding", () => {
  for (const [size, padding] of [[0, 0], [1, 511], [511, 1], [512, 0], [513, 511]] as const) {
    assert.equal(tarPadding(size), padding);
  }
});

Deno.test("an encoded header is parsed to the same entry", () => {
  const table: Parameters<typeof encodeTarHeader>[0][] = [
    { name: "a", type: "file" },
    { name: "blobs/sha256/", type: "dir" },
    { name: "d/layer.tar", type: "symlink", linkName: "../x.tar" },
    { name: "a", type: "file", size: 8 ** 11 - 1, mode: 0o444, modTime: 1, uid: 8 ** 7 - 1, gid: 8 ** 7 },
    { name: "a", type: "file", size: 8 ** 11, modTime: -5, uid: 4294967295 },
    { name: "a", type: "file", size: Number.MAX_SAFE_INTEGER },
    { name: `${"p".repeat(155)}/${"n".repeat(100)}`, type: "file", size: 1 },
    { name: `${"p".repeat(156)}/${"n".repeat(100)}`, type: "file", size: 2 },
    { name: `blobs/sha512/${"0".repeat(128)}`, type: "file", size: 3 },
    { name: "grün", type: "file" },
    { name: "l", type: "symlink", linkName: "t".repeat(300) },
  ];
  for (const entry of table) {
    const bytes = encodeTarHeader(entry);
    assert.equal(bytes.length % 512, 0);
    const parser = new TarHeaderParser();
    const first = parser.block(bytes.subarray(0, 512));
    if (first.kind === "extension") parser.extension(bytes.subarray(512, 512 + first.size));
    const step = first.kind === "extension" ? parser.block(bytes.subarray(-512)) : first;
    assert.equal(first.kind === "extension", bytes.length > 512);
    assert.ok(step.kind === "entry");
    const { header } = step;
    assert.equal(header.name, entry.name);
    assert.equal(header.type, entry.type);
    assert.equal(header.linkName, entry.linkName ?? "");
    assert.equal(header.size, entry.size ?? 0);
    assert.equal(header.mode, entry.mode ?? { file: 0o644, dir: 0o755, symlink: 0o777 }[entry.type]);
    assert.deepEqual([header.uid, header.gid], [entry.uid ?? 0, entry.gid ?? 0]);
    assert.deepEqual(header.modTime, { seconds: entry.modTime ?? 0, nanoseconds: 0 });
  }
});

Deno.test("a header keeps its length when its size becomes known", () => {
  const name = "x".repeat(300);
  const length = encodeTarHeader({ name, type: "file" }).length;
  assert.equal(encodeTarHeader({ name, type: "file", size: 8 ** 12 }).length, length);
});

Deno.test("the type of an entry", () => {
  const table: [flag: string, name: string, type: string, size: number][] = [
    ["\0", "file", "file", 3],
    ["\0", "dir/", "dir", 0],
    ["0", "dir/", "file", 3],
    ["1", "x", "hardlink", 0],
    ["2", "x", "symlink", 0],
    ["3", "x", "char", 0],
    ["4", "x", "block", 0],
    ["5", "x", "dir", 0],
    ["6", "x", "fifo", 0],
    ["7", "x", "file", 3],
    ["S", "x", "other", 3],
    ["V", "x", "other", 3],
    ["Z", "x", "other", 3],
  ];
  for (const [flag, name, type, size] of table) {
    const block = patch(patch(FILE, 156, flag), 0, name + "\0".repeat(4));
    const step = new TarHeaderParser().block(block);
    assert.ok(step.kind === "entry");
    assert.deepEqual([step.header.type, step.header.size], [type, size], flag);
  }
});

Deno.test("numbers in other forms", () => {
  const table: [field: string, value: number][] = [
    ["00000000007\0", 7],
    ["          7 ", 7],
    ["7\0garbage\0\0\0", 7],
    ["\0\0\0\0\0\0\0\0\0\0\0\0", 0],
    ["777777777777", 8 ** 12 - 1],
    ["\x80\0\0\0\0\0\0\0\0\0\x01\x02", 258],
  ];
  for (const [field, value] of table) {
    const step = new TarHeaderParser().block(patch(FILE, 124, field));
    assert.equal(step.kind === "entry" && step.header.size, value, field);
  }
  const before1970 = new TarHeaderParser().block(patch(FILE, 136, "\xff".repeat(11) + "\xfe"));
  assert.deepEqual(before1970.kind === "entry" && before1970.header.modTime, { seconds: -2, nanoseconds: 0 });
});

/** Returns an extension header with its payload, followed by the header of a file. */
function readExtended(flag: string, payload: Uint8Array, block: Uint8Array = FILE): TarHeader {
  const parser = new TarHeaderParser();
  const header = patch(encodeTarHeader({ name: "ext", type: "file", size: payload.length }), 156, flag);
  assert.deepEqual(parser.block(header), { kind: "extension", size: payload.length });
  parser.extension(payload);
  const step = parser.block(block);
  assert.ok(step.kind === "entry");
  return step.header;
}

const record = (text: string) => {
  const rest = ascii(` ${text}\n`).length;
  const length = rest + String(rest + String(rest).length).length;
  return `${length} ${text}\n`;
};

Deno.test("PAX records", () => {
  const records = [
    "path=long/name",
    "linkpath=to",
    "uid=3000000000",
    "gid=5",
    "uname=ü",
    "size=1",
    "mtime=1700000000.123456789999",
    "atime=-1.25",
    "ctime=+7",
    "SCHILY.xattr.user.a=1=2\n3",
    "SCHILY.xattr.user.empty=",
    "uname=bob",
  ];
  const header = readExtended("x", ascii(records.map(record).join("")));
  assert.equal(header.name, "long/name");
  assert.equal(header.linkName, "to");
  assert.deepEqual([header.uid, header.gid, header.userName, header.size], [3000000000, 5, "bob", 1]);
  assert.deepEqual(header.modTime, { seconds: 1700000000, nanoseconds: 123456789 });
  assert.deepEqual(header.accessTime, { seconds: -2, nanoseconds: 750_000_000 });
  assert.deepEqual(header.changeTime, { seconds: 7, nanoseconds: 0 });
  assert.deepEqual(header.pax.get("SCHILY.xattr.user.a"), ascii("1=2\n3"));
  assert.deepEqual(header.pax.get("SCHILY.xattr.user.empty"), ascii(""));
});

Deno.test("global PAX records apply until they are overridden or removed, others to one entry", () => {
  const parser = new TarHeaderParser();
  const extend = (flag: string, text: string) => {
    const payload = ascii(text);
    parser.block(patch(encodeTarHeader({ name: "ext", type: "file", size: payload.length }), 156, flag));
    parser.extension(payload);
  };
  const next = () => {
    const step = parser.block(FILE);
    assert.ok(step.kind === "entry");
    return [step.header.uid, step.header.userName, step.header.name];
  };
  extend("g", record("uid=7") + record("uname=all"));
  assert.deepEqual(next(), [7, "all", "file"]);
  extend("x", record("uid=8") + record("uname=") + record("path=p"));
  assert.deepEqual(next(), [8, "", "p"]);
  assert.deepEqual(next(), [7, "all", "file"]);
});

Deno.test("PAX sparse files are other", () => {
  assert.equal(readExtended("x", ascii(record("GNU.sparse.major=1"))).type, "other");
});

Deno.test("GNU long names, and names that are not UTF-8", () => {
  assert.equal(readExtended("L", ascii("a".repeat(300) + "\0")).name, "a".repeat(300));
  assert.equal(readExtended("K", ascii("b".repeat(300))).linkName, "b".repeat(300));
  const header = readExtended("L", Uint8Array.of(0x61, 0xff, 0));
  assert.deepEqual([header.name, header.nameBytes], ["a\ufffd", Uint8Array.of(0x61, 0xff)]);
});

Deno.test("corrupt archives are rejected", () => {
  const garbled = Uint8Array.from(FILE);
  garbled[0]! ^= 1;
  const blocks: [string, Uint8Array][] = [
    ["checksum", garbled],
    ["negative size", patch(FILE, 124, "\xff".repeat(12))],
    ["absurd size", patch(FILE, 124, "\x80" + "\xff".repeat(11))],
    ["size that is not a number", patch(FILE, 124, "9".repeat(11) + "\0")],
    ["mode that is not a number", patch(FILE, 100, "zzzzzzz\0")],
    ["extension above 1 MiB", patch(encodeTarHeader({ name: "x", type: "file", size: 1048577 }), 156, "x")],
    ["GNU sparse map that goes on", patch(patch(FILE, 156, "S"), 482, "\x01")],
    ["text", ascii("hello".repeat(200)).subarray(0, 512)],
  ];
  for (const [what, block] of blocks) assert.throws(() => new TarHeaderParser().block(block), TarError, what);

  const payloads = ["x", "5 a=b", "99 a=b\n", "6 a=b\n0", "4 =\n", "5 ab\n", "-6 a=b\n", "0 a=b\n", " a=b\n", "06a=b\n"]
    .concat(["uid=x", "size=-1", "size=99999999999999999", "mtime=.5", "mtime=1e3", "path=a\0b", "k\0=v"].map(record));
  for (const payload of payloads) {
    assert.throws(() => readExtended("x", ascii(payload)), TarError, JSON.stringify(payload));
  }

  const parser = new TarHeaderParser();
  assert.deepEqual(parser.block(new Uint8Array(512)), { kind: "zero" });
  assert.throws(() => parser.block(FILE), TarError, "a zero block in the middle");
});

Deno.test("calls in the wrong order throw a TypeError", () => {
  assert.throws(() => new TarHeaderParser().block(new Uint8Array(511)), TypeError);
  assert.throws(() => new TarHeaderParser().extension(new Uint8Array()), TypeError);
  const parser = new TarHeaderParser();
  parser.block(patch(FILE, 156, "x"));
  assert.throws(() => parser.block(FILE), TypeError);
});

async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tar-" });
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const LONG = `${"d".repeat(90)}/${"e".repeat(90)}/${"f".repeat(120)}`;

peerTest("archives of GNU tar in all its formats", ["tar", "python3", "root"], async (t) => {
  await withFolder(async (folder) => {
    const tree = `${folder}/tree`;
    await Deno.mkdir(`${tree}/${LONG}`, { recursive: true });
    await Deno.writeTextFile(`${tree}/file`, "content\n");
    await Deno.chmod(`${tree}/file`, 0o4751);
    await Deno.link(`${tree}/file`, `${tree}/hard`);
    await Deno.symlink("file", `${tree}/sym`);
    await Deno.symlink("t".repeat(200), `${tree}/longsym`);
    await Deno.writeTextFile(`${tree}/${LONG}/deep`, "deep");
    await Deno.writeTextFile(`${tree}/owned`, "");
    await Deno.chown(`${tree}/owned`, 3_000_000_000, 2_999_999_999);
    await Deno.writeTextFile(`${tree}/grün`, "g");
    await ok(["bash", "-c", `printf l > "$(printf '${tree}/latin\\xfc')"`]);
    await ok(["mkfifo", `${tree}/fifo`]);
    const withDevices = (await exec(["mknod", `${tree}/char`, "c", "5", "300"])).code === 0 &&
      (await exec(["mknod", `${tree}/block`, "b", "7", "1"])).code === 0;
    await ok(["touch", "-d", "2001-02-03T04:05:06.123456789Z", `${tree}/file`]);
    const setXattr = `import os; os.setxattr("${tree}/file", "user.color", b"blue")`;
    const xattr = (await exec(["python3", "-c", setXattr])).code === 0;

    for (const format of ["gnu", "oldgnu", "pax", "ustar", "v7"]) {
      await t.step(format, async () => {
        // Entries that a format cannot represent are omitted.
        const short = ["ustar", "v7"].includes(format)
          ? [`--exclude=${"d".repeat(90)}`, "--exclude=longsym", "--exclude=owned"]
          : [];
        const devices = format === "v7" ? ["--exclude=char", "--exclude=block", "--exclude=fifo"] : [];
        const attributes = format === "pax" && xattr ? ["--xattrs"] : [];
        const options = [`--format=${format}`, "--sort=name", ...short, ...devices, ...attributes];
        await ok(["tar", "-C", tree, ...options, "-cf", `${folder}/a.tar`, "."]);
        const entries = readTar(await Deno.readFile(`${folder}/a.tar`));

        const file = find(entries, "./file");
        assert.deepEqual([file.type, file.size, file.mode & 0o7777], ["file", 8, 0o4751]);
        assert.deepEqual(entries.find(({ header }) => header === file)!.payload, ascii("content\n"));
        const nanoseconds = format === "pax" ? 123456789 : 0;
        assert.deepEqual(file.modTime, { seconds: Date.UTC(2001, 1, 3, 4, 5, 6) / 1000, nanoseconds });
        assert.equal(file.userName, format === "v7" ? "" : "root");
        const hard = find(entries, "./hard");
        assert.deepEqual([hard.type, hard.linkName, hard.size], ["hardlink", "./file", 0]);
        assert.deepEqual([find(entries, "./sym").type, find(entries, "./sym").linkName], ["symlink", "file"]);
        assert.equal(find(entries, "./").type, "dir");
        assert.equal(find(entries, "./grün").size, 1);
        assert.deepEqual(find(entries, "./latin\ufffd").nameBytes, latin1("./latin\xfc"));
        if (format !== "v7") assert.equal(find(entries, "./fifo").type, "fifo");
        if (format !== "v7" && withDevices) {
          const devices = ["./char", "./block"].map((name) => find(entries, name));
          assert.deepEqual(devices.map((d) => [d.type, d.devMajor, d.devMinor]), [["char", 5, 300], ["block", 7, 1]]);
        }
        if (format === "pax" && xattr) assert.deepEqual(file.pax.get("SCHILY.xattr.user.color"), ascii("blue"));
        if (short.length > 0) return;
        assert.equal(find(entries, `./${LONG}/deep`).size, 4);
        assert.equal(find(entries, `./${LONG}/`).type, "dir");
        assert.equal(find(entries, "./longsym").linkName, "t".repeat(200));
        const owned = find(entries, "./owned");
        assert.deepEqual([owned.uid, owned.gid], [3_000_000_000, 2_999_999_999]);
      });
    }
  });
});

peerTest("archives of python, and a sparse file of GNU tar", ["tar", "python3"], async () => {
  await withFolder(async (folder) => {
    const script = `
import tarfile, io
for name, format in (("pax", tarfile.PAX_FORMAT), ("gnu", tarfile.GNU_FORMAT)):
    with tarfile.open("${folder}/" + name, "w", format=format, pax_headers={"comment": "all"} if name == "pax" else {}) as t:
        info = tarfile.TarInfo("n" * 250 + "\\u00fc")
        info.size, info.uid, info.mtime = 5, 2**33, -1.5 if name == "pax" else -2
        t.addfile(info, io.BytesIO(b"hello"))
`;
    await ok(["python3", "-c", script]);
    for (const format of ["pax", "gnu"]) {
      const [entry] = readTar(await Deno.readFile(`${folder}/${format}`));
      assert.equal(entry!.header.name, "n".repeat(250) + "ü");
      assert.equal(entry!.header.uid, 2 ** 33);
      assert.deepEqual(entry!.header.modTime, { seconds: -2, nanoseconds: format === "pax" ? 500_000_000 : 0 });
      assert.deepEqual(entry!.payload, ascii("hello"));
      assert.equal(entry!.header.pax.has("comment"), format === "pax");
    }

    await ok(["bash", "-c", `truncate -s 1M ${folder}/sparse && printf x >> ${folder}/sparse && echo y > ${folder}/y`]);
    for (const format of ["gnu", "pax"]) {
      await ok(["tar", "-C", folder, "-S", `--format=${format}`, "-cf", `${folder}/s.tar`, "sparse", "y"]);
      const [sparse, next] = readTar(await Deno.readFile(`${folder}/s.tar`));
      assert.equal(sparse!.header.type, "other", format);
      assert.equal(next!.header.name, "y", format);
    }
  });
});

peerTest("GNU tar and python read encoded archives", ["tar", "python3"], async () => {
  await withFolder(async (folder) => {
    const names = ["short", `${"p".repeat(140)}/${"n".repeat(90)}`, `blobs/sha512/${"0".repeat(128)}`, "grün"];
    const parts: Uint8Array<ArrayBuffer>[] = names.flatMap((name) => [
      encodeTarHeader({ name, type: "file", size: 5, mode: 0o444 }),
      ascii("hello" + "\0".repeat(507)),
    ]);
    parts.push(encodeTarHeader({ name: "link", type: "symlink", linkName: "t".repeat(120) }), new Uint8Array(1024));
    await Deno.writeFile(`${folder}/a.tar`, new Uint8Array(await new Blob(parts).arrayBuffer()));
    const listed = await ok(["tar", "--quoting-style=literal", "-tf", `${folder}/a.tar`], { LC_ALL: "C.UTF-8" });
    assert.deepEqual(listed.split("\n"), [...names, "link"]);
    const script = `import tarfile
with tarfile.open("${folder}/a.tar") as t: print("\\n".join(m.name + " " + str(m.size) + m.linkname for m in t))`;
    const printed = await ok(["python3", "-c", script], { PYTHONUTF8: "1" });
    assert.deepEqual(printed.split("\n"), [...names.map((name) => `${name} 5`), `link 0${"t".repeat(120)}`]);
  });
});
