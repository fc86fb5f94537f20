/** Loads libc before any test: the module keeps it open, which the leak check would count against the first test. */
import { loadLibc } from "../../src/store/containers_storage/unpack/libc.ts";
import { canLockFcntl, openFcntlFile } from "../../src/store/lock/fcntl.ts";

if (canLockFcntl()) {
  openFcntlFile("/dev/null", false).close();
  loadLibc();
}
