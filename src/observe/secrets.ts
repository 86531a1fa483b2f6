/** Values that must never be shown. They are learnt as they are read and taken out of everything that is printed. */
export interface Secrets {
  add(value: string | undefined): void;
  redact(text: string): string;
}

/** Shorter values would take ordinary words apart. */
const SHORTEST = 4;

export function createSecrets(): Secrets {
  const known = new Set<string>();
  return {
    add(value) {
      if (value !== undefined && value.length >= SHORTEST) {
        known.add(value);
      }
    },
    redact(text) {
      let shown = text;
      for (const secret of known) {
        shown = shown.replaceAll(secret, "***");
      }
      return shown;
    },
  };
}

/** Environment variables that hold secrets for registries. */
const SECRET_NAMES = ["CONSUL_HTTP_TOKEN", "CONSUL_HTTP_AUTH", "ETCDCTL_USER", "ETCDCTL_PASSWORD"];

export function addEnvironmentSecrets(secrets: Secrets, env: Readonly<Record<string, string | undefined>>): void {
  for (const name of SECRET_NAMES) {
    const value = env[name];
    // `user:password`: the password is the secret; without a colon ETCDCTL_USER is only a name.
    secrets.add(
      value?.includes(":") === true ? value.slice(value.indexOf(":") + 1) : name === "ETCDCTL_USER" ? undefined : value,
    );
  }
}
