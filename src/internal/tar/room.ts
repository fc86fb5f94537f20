/** Headers of tar archives: parsing with PAX and GNU extensions, writing ustar. No I/O. */
export { encodeTarHeader, type NewTarEntry } from "./encode.ts";
export { TarHeaderParser } from "./parser.ts";
export { PAX_ATTRIBUTE } from "./pax.ts";
export { TAR_BLOCK_SIZE, type TarEntryType, TarError, type TarHeader, tarPadding, type TarTime } from "./types.ts";
