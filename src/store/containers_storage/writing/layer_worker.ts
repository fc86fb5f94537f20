/// <reference lib="deno.worker" />
/** Entry point of the workers of {@linkcode LayerWorkers}: prepares layers in a separate thread. */
import { JobStream } from "../../../internal/worker/room.ts";
import { type FromLayerWorker, toFailure, type ToLayerWorker } from "./layer_protocol.ts";
import { type LayerJob, prepareLayer } from "./prepare_layer.ts";

const inputs = new Map<number, JobStream>();

function send(message: FromLayerWorker): void {
  self.postMessage(message);
}

async function run(job: number, layer: LayerJob): Promise<void> {
  const input = new JobStream(() => send({ job, type: "more" }), { freesChunks: true });
  inputs.set(job, input);
  try {
    const facts = await prepareLayer(input.stream, layer);
    send({ job, type: "done", facts });
  } catch (error) {
    send({ job, type: "failed", failure: toFailure(error) });
  } finally {
    inputs.delete(job);
  }
}

self.addEventListener("message", ({ data }: MessageEvent<ToLayerWorker>) => {
  if (data.type === "start") return void run(data.job, data.layer);
  const input = inputs.get(data.job);
  if (data.type === "input") input?.receive(data.bytes);
  else if (data.type === "end") input?.end();
  else input?.cancel();
});

send({ type: "ready" });
