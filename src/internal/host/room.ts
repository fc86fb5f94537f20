/** Toolbox that needs a host: a disk, an environment. Never imported by portable faces. */
export { type FileContent, writeAllAtomically, writeAtomically } from "./atomic_write.ts";
export { converse, OutputLimitError } from "./converse.ts";
export { FileWriter } from "./file_writer.ts";
export { openFileStream, writeStream } from "./file_stream.ts";
export { lockFolder, tryLockFolder } from "./folder_lock.ts";
export { createTemporaryFile, isTemporaryName, removeDeadFiles, type TemporaryFile } from "./temporary_file.ts";
export { writeAll } from "./write_all.ts";
