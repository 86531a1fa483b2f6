/** The files that the tour works with: what a person would write, in a folder of its own. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";

const COMMON = `worker_processes 1;
pid nginx.pid;
error_log logs/error.log;
events { worker_connections 256; }
`;
const TEMP_PATHS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `    ${name}_temp_path tmp/${name};`)
  .join("\n");

/** Serves nothing yet. */
export function bootConf(port: number): string {
  return `${COMMON}http {\n    access_log off;\n${TEMP_PATHS}\n    server { listen 127.0.0.1:${port}; return 503; }\n}\n`;
}

/** The template of the demo's whole nginx configuration. */
export const NGINX_TEMPLATE = `${COMMON}http {
    access_log off;
${TEMP_PATHS}
    upstream web {
{{#each (service "web")}}
        server {{addr}};
{{else}}
        server 127.0.0.1:1 down;
{{/each}}
    }
    server {
        listen 127.0.0.1:{{env "DEMO_PORT"}};
        location / { proxy_pass http://web; }
        location = /-/generation { return 200 "{{generation}}\\n"; }
    }
}
`;

const ENV_TEMPLATE = `# the app's settings, from the keys below app/
{{#each (keys "app/")}}
{{upper name}}="{{value}}"
{{/each}}
INSTANCES={{length (service "web")}}
`;

/** The configuration that the tour runs on: what a person would write, in a folder of its own. */
export function writeConfig(folder: string, nginx: string | undefined): string {
  const prefix = `${join(folder, "nginx")}/`;
  const mayReload = `test ! -e ${join(folder, "reload-fails")}`;
  const balanced =
    "let d=0;for(const c of require('fs').readFileSync(process.argv[1],'utf8'))d+=c==='{'?1:c==='}'?-1:0;process.exit(d)";
  const program =
    nginx === undefined
      ? { check: [process.execPath, "-e", balanced, "{{staged}}"], reload: ["sh", "-c", mayReload] }
      : {
          check: [nginx, "-t", "-q", "-p", prefix, "-c", "nginx.conf"],
          reload: ["sh", "-c", `${mayReload} && exec ${nginx} -p ${prefix} -c nginx.conf -s reload`],
          verify: { url: "http://127.0.0.1:${DEMO_PORT}/-/generation", timeout: "3s" },
        };
  return stringify({
    node: "demo",
    stateDir: "state",
    registry: "file:registry",
    register: { ttl: "10s", resync: "5s", sources: { static: { file: "services.yaml" } } },
    render: {
      env: ["DEMO_PORT"],
      targets: {
        nginx: { files: [{ template: "nginx.conf.hbs", dest: "nginx/nginx.conf" }], ...program },
        app: { files: [{ template: "app.env.hbs", dest: "app.env", mode: "0640" }] },
      },
    },
  });
}

export async function prepareFolder(folder: string): Promise<void> {
  await mkdir(join(folder, "nginx"));
  await writeFile(join(folder, "nginx.conf.hbs"), NGINX_TEMPLATE);
  await writeFile(join(folder, "app.env.hbs"), ENV_TEMPLATE);
}
