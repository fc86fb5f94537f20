import { isManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import { getType, PolicyObject, type PolicyPlace } from "./policy_object.ts";
import type { SignedIdentity } from "./types.ts";

/** Parses a `signedIdentity`: the name under which an image must be signed. */
export function parseIdentity(value: unknown, place: PolicyPlace): SignedIdentity {
  const type = getType(value, place);
  const object = (...members: string[]) => new PolicyObject(value, { required: ["type", ...members] }, place);
  switch (type) {
    case "matchExact":
    case "matchRepoDigestOrExact":
    case "matchRepository":
      object();
      return { type };
    case "exactReference": {
      const dockerReference = object("dockerReference").text("dockerReference")!;
      const { tag, digest } = reference(dockerReference, "dockerReference", place);
      if (tag === undefined && digest === undefined) {
        place.fail(`dockerReference ${JSON.stringify(dockerReference)} contains neither a tag nor digest`);
      }
      return { type, dockerReference };
    }
    case "exactRepository": {
      const dockerRepository = object("dockerRepository").text("dockerRepository")!;
      reference(dockerRepository, "dockerRepository", place);
      return { type, dockerRepository };
    }
    case "remapIdentity": {
      const members = object("prefix", "signedPrefix");
      return { type, prefix: prefix(members, "prefix"), signedPrefix: prefix(members, "signedPrefix") };
    }
    default:
      place.fail(`Unknown policy reference match type ${JSON.stringify(type)}`);
  }
}

function reference(text: string, member: string, place: PolicyPlace): NamedReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!isManifestsError(error)) throw error;
    place.fail(`Invalid format of ${member} ${JSON.stringify(text)}: ${error.message}`);
  }
}

/** Parses a prefix of repository names: a host, or a host with path components. */
function prefix(members: PolicyObject, member: string): string {
  const text = members.text(member)!;
  const [host, ...path] = text.split("/");
  // A first component with a port is always parsed as a host.
  const withPort = /:\d+$/.test(host!) ? host! : `${host}:1`;
  try {
    const { tag, digest } = parseReference([withPort, ...(path.length > 0 ? path : ["any"])].join("/"));
    if (tag === undefined && digest === undefined) return text;
  } catch (error) {
    if (!isManifestsError(error)) throw error;
  }
  members.place.fail(`prefix ${JSON.stringify(text)} is not valid`);
}
