import { inHeader, type LivePlace, other } from "./live.ts";

const BODY = { of: "body" } as const;

/** A path that nginx does not rewrite before it looks for the location. */
function inPath(value: string): boolean {
  return !/(^|\/)\.{0,2}(\/|$)/.test(value);
}

function encoded(value: string): string {
  return encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("'", "%27");
}

function inBody(name: string, text: string, want: (value: string) => string): LivePlace {
  return { name, text: `location = /NN { ${text} }`, probes: (v) => [{ path: "/NN", ...BODY, want: want(v) }] };
}

function byHeader(name: string, text: string, outside?: string): LivePlace {
  return {
    name,
    text: `location = /NN { ${text} }`,
    ...(outside !== undefined && { outside }),
    carries: inHeader,
    probes: (v) => [
      { path: "/NN", headers: { "x-value": v }, ...BODY, want: "yes" },
      { path: "/NN", headers: { "x-value": other(v) }, ...BODY, want: "no" },
    ],
  };
}

function byPath(name: string, text: string): LivePlace {
  return {
    name,
    text,
    carries: inPath,
    probes: (v) => [
      { path: `/NN/${encoded(v)}`, ...BODY, want: "yes" },
      { path: `/NN/${encoded(other(v))}`, ...BODY, want: "no" },
    ],
  };
}

/** Places whose values a request to a running nginx brings to light; `PORT` is a server that answers with the header it got. */
export const LIVE_PLACES: readonly LivePlace[] = [
  inBody("return, bare", "return 200 @@;", (v) => v),
  inBody("return, in double quotes", 'return 200 "@@";', (v) => v),
  inBody("return, in single quotes", "return 200 '@@';", (v) => v),
  inBody("return, glued", "return 200 x@@y@@;", (v) => `x${v}y${v}`),
  inBody("return, beside a variable", "return 200 <$request_method/@@>;", (v) => `<GET/${v}>`),
  inBody("set", "set $a @@; return 200 $a;", (v) => v),
  inBody("set, in single quotes", "set $a '<@@>'; return 200 $a;", (v) => `<${v}>`),
  {
    name: "add_header",
    text: "location = /NN { add_header X-Value <@@>; return 204; }",
    probes: (v) => [{ path: "/NN", of: "x-value", want: `<${v}>` }],
  },
  {
    name: "return of a redirection",
    text: "location = /NN { return 302 http://h/<@@>; }",
    probes: (v) => [{ path: "/NN", of: "location", want: `http://h/<${v}>` }],
  },
  {
    name: "proxy_set_header",
    text: "location = /NN { proxy_set_header X-Value '<@@>'; proxy_pass http://127.0.0.1:PORT/; }",
    probes: (v) => [{ path: "/NN", ...BODY, want: `<${v}>` }],
  },
  { ...inBody("value of a map", "return 200 $mNN;", (v) => v), outside: "map $host $mNN { default @@; }" },
  byHeader("if =", "if ($http_x_value = @@) { return 200 yes; } return 200 no;"),
  byHeader("if = in quotes", 'if ($http_x_value = "@@") { return 200 yes; } return 200 no;'),
  byHeader("if ~", 'if ($http_x_value ~ "^@@$") { return 200 yes; } return 200 no;'),
  byHeader("key of a map", "return 200 $mNN;", "map $http_x_value $mNN { default no; @@ yes; }"),
  byHeader("pattern of a map", "return 200 $mNN;", "map $http_x_value $mNN { default no; ~^@@$ yes; }"),
  byPath("location =", "location /NN/ { return 200 no; } location = /NN/@@ { return 200 yes; }"),
  byPath("location ~", "location /NN/ { location ~ ^/NN/@@$ { return 200 yes; } return 200 no; }"),
  byPath("location ~ in quotes", "location /NN/ { location ~ '^/NN/@@$' { return 200 yes; } return 200 no; }"),
  byPath("rewrite", "location /NN/ { rewrite ^/NN/@@$ /yes last; return 200 no; }"),
];
