import { type TarHeader, TarHeaderParser, tarPadding } from "../../internal/tar/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { invalidArchive } from "./errors.ts";
import { cleanMemberName } from "./names.ts";
import type { SharedFile } from "./shared_file.ts";

/** A member of an archive: a file with the position of its content, a symbolic link, or a member without content. */
export type ArchiveMember =
  | { readonly kind: "file"; readonly offset: number; readonly size: number }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "other" };

/** Maximum number of members, because their index is kept in memory. */
const MAX_MEMBERS = 100_000;
/** Maximum length of a member's name in characters, as in Linux' `PATH_MAX`. Members with longer names are ignored. */
const MAX_NAME_LENGTH = 4096;
/** Size of a read in bytes, which covers the headers of several small members. */
const WINDOW_SIZE = 32 * 1024;

const BLOCK_SIZE = 512;

/**
 * Finds all members of a tar archive by walking from header to header. Of several members with the same name the last
 * one is used, as if the archive were unpacked.
 */
export async function indexMembers(
  file: SharedFile,
  { size, path }: { size: number; path: string },
): Promise<ReadonlyMap<string, ArchiveMember>> {
  const members = new Map<string, ArchiveMember>();
  const parser = new TarHeaderParser();
  const read = windowedReader(file);
  let at = 0;
  for (let zeros = 0; zeros < 2 && at < size;) {
    if (at + BLOCK_SIZE > size) throw invalidArchive(path, `it ends inside the header at byte ${at}`);
    const step = parser.block(await read(at, BLOCK_SIZE));
    at += BLOCK_SIZE;
    zeros = step.kind === "zero" ? zeros + 1 : 0;
    if (step.kind === "zero") continue;
    const length = step.kind === "entry" ? step.header.size : step.size;
    if (at + length > size) throw invalidArchive(path, `it ends inside the content at byte ${at}`);
    if (step.kind === "extension") parser.extension(await read(at, length));
    else addMember(members, step.header, at);
    if (members.size > MAX_MEMBERS) {
      const message = `Cannot read archive ${JSON.stringify(path)}: it has more than ${MAX_MEMBERS} members`;
      throw new ManifestsError("LIMIT_EXCEEDED", message);
    }
    at += length + tarPadding(length);
  }
  return members;
}

function addMember(members: Map<string, ArchiveMember>, header: TarHeader, offset: number): void {
  if (header.name.length > MAX_NAME_LENGTH) return;
  const name = cleanMemberName(header.name);
  if (name !== undefined) members.set(name, toMember(members, header, offset));
}

function toMember(members: ReadonlyMap<string, ArchiveMember>, header: TarHeader, offset: number): ArchiveMember {
  const { type, linkName, size } = header;
  if (type === "file") return { kind: "file", offset, size };
  if (type === "symlink" && linkName.length <= MAX_NAME_LENGTH) return { kind: "symlink", target: linkName };
  // A hard link is another name of an earlier member.
  const linked = type === "hardlink" ? cleanMemberName(linkName) : undefined;
  return (linked !== undefined && members.get(linked)) || { kind: "other" };
}

function windowedReader(file: SharedFile): (at: number, size: number) => Promise<Uint8Array> {
  let start = 0;
  let window = new Uint8Array();
  return async (at, size) => {
    if (at < start || at + size > start + window.length) {
      start = at;
      window = await file.read(at, Math.max(size, WINDOW_SIZE));
    }
    return window.subarray(at - start, at - start + size);
  };
}
