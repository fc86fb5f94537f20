/** Streams that workers process: the same for all kinds of jobs. */
export { CREDITS, JobInput } from "./job_input.ts";
export { JobStream } from "./job_stream.ts";
export { startWorker } from "./start_worker.ts";
