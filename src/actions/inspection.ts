import { formatPlatform } from "../spec/room.ts";
import type { DescribedImage, DescribedInstance } from "./describe_image.ts";

/** An instance as JSON: its platform is text. */
export interface InspectedInstance extends Omit<DescribedInstance, "platform" | "instances"> {
  /** Platform, as in `linux/arm64/v8` or `windows/amd64:10.0.20348.1`; `""` if it has none. */
  readonly platform: string;
  /** Instances of a nested index. */
  readonly instances?: readonly InspectedInstance[] | undefined;
}

/** An image or list as JSON, as the service and the page of `inspect --web` answer it. */
export interface Inspection extends Omit<DescribedImage, "instances"> {
  /** Instances, in the order of the list. */
  readonly instances: readonly InspectedInstance[];
}

/**
 * Converts a description to JSON.
 *
 * @param formatProblem Changes messages of errors. Default: they stay as they are.
 */
export function formatInspection(
  described: DescribedImage,
  formatProblem: (problem: string) => string = (problem) => problem,
): Inspection {
  const format = ({ platform, instances, problem, ...instance }: DescribedInstance): InspectedInstance => ({
    ...instance,
    platform: formatPlatform(platform),
    ...(instances ? { instances: instances.map(format) } : {}),
    ...(problem === undefined ? {} : { problem: formatProblem(problem) }),
  });
  return { ...described, instances: described.instances.map(format) };
}
