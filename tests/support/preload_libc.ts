/** Loads what the module loads once and keeps, before any test: it is no leak of the test that happens to be the first. */
import { openRawFile } from "../../src/store/containers_storage/layers/raw_file.ts";
import { canLockFcntl, openFcntlFile } from "../../src/store/lock/fcntl.ts";

if (canLockFcntl()) {
  openFcntlFile("/dev/null", false).close();
  openRawFile("/dev", new TextEncoder().encode("null"))?.[Symbol.dispose]();
}
