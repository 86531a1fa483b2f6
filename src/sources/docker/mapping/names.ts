/**
 * The image's last path segment without tag and digest; undefined for an image that is only known by its id.
 * @example imageName("registry.local:5000/team/app:1.2@sha256:0f…") === "app"
 */
export function imageName(image: string): string | undefined {
  if (isImageId(image)) {
    return undefined;
  }
  const [reference = ""] = image.split("@");
  const [name = ""] = (reference.split("/").at(-1) ?? "").split(":");
  return name === "" ? undefined : name;
}

/** The engine lists an image by its id as soon as its tag has moved on to another one; the inspected container still has the name. */
export function isImageId(image: string): boolean {
  return /^sha256:[0-9a-f]+$|^[0-9a-f]{64}$|^[0-9a-f]{12}$/.test(image);
}

const ORCHESTRATORS = [
  { label: "com.docker.compose.service", from: "the Compose service" },
  { label: "com.docker.swarm.service.name", from: "the Swarm service" },
] as const;

/** The name that Compose or Swarm gave, which outlives images and containers. */
export function orchestratedName(
  labels: Readonly<Record<string, string>>,
): { readonly name: string; readonly from: string; readonly label: string } | undefined {
  for (const { label, from } of ORCHESTRATORS) {
    const name = labels[label];
    if (name !== undefined && name !== "") {
      return { name, from, label };
    }
  }
  return undefined;
}

/** Whether `docker compose run` made it: a container for one command, beside the service's own ones. */
export function isOneOff(labels: Readonly<Record<string, string>>): boolean {
  return labels["com.docker.compose.oneoff"]?.toLowerCase() === "true";
}
