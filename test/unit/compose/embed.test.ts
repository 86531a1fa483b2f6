import { readFile } from "node:fs/promises";
import { compileFunction } from "node:vm";
import { describe, expect, it } from "vitest";
import { compile, FairleadError, type RenderData, render, type TemplateOptions } from "../../../src/index.ts";
import { generationOf } from "../../../src/target/generation.ts";

const UPSTREAM = `upstream web {
{{#each (service "web")}}
    server {{addr}} weight={{weight}};
{{else}}
    server 127.0.0.1:1 down;
{{/each}}
}
`;

function errorOf(work: () => unknown): FairleadError {
  try {
    work();
  } catch (error) {
    if (error instanceof FairleadError) {
      return error;
    }
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("render", () => {
  it.each<[string, TemplateOptions & RenderData, string]>([
    ["an empty registry", { template: UPSTREAM, format: "nginx" }, "upstream web {\n    server 127.0.0.1:1 down;\n}\n"],
    [
      "instances, sorted by id, with what a healthy instance has",
      {
        template:
          '{{#each (service "web")}}{{id}} {{addr}} {{protocol}} {{health}} {{weight}} {{join tags ","}} {{meta.v}} {{node}}\n{{/each}}',
        format: "text",
        node: "n1",
        services: {
          web: [
            { address: "::1", port: 80, id: "z", tags: ["a", "b"], meta: { v: "2" }, weight: 3, node: "n2" },
            { address: "10.0.0.1", port: 53, protocol: "udp", health: "warning", meta: { v: "1" } },
          ],
        },
      },
      "n1:web-10.0.0.1:53:udp 10.0.0.1:53 udp warning 1  1 n1\nz [::1]:80 tcp passing 3 a,b 2 n2\n",
    ],
    [
      "critical instances are not used",
      { template: UPSTREAM, format: "nginx", services: { web: [{ address: "10.0.0.1", port: 80, health: "critical" }] } },
      "upstream web {\n    server 127.0.0.1:1 down;\n}\n",
    ],
    [
      "two services may share an id",
      {
        template: "{{#each services}}{{name}}{{/each}}",
        format: "text",
        services: { a: [{ address: "x", port: 1, id: "i" }], b: [{ address: "x", port: 2, id: "i" }] },
      },
      "ab",
    ],
    [
      "a key, with or without the slash of etcd",
      { template: '{{key "/a/b"}} {{key "c"}}', format: "text", keys: { "a/b": "1", "/c": "2" } },
      "1 2",
    ],
    ["node and environment", { template: '{{node}} {{env "HOME"}}', format: "text", node: "n7", env: { HOME: "/h" } }, "n7 /h"],
    ["a partial", { template: "{{> p}}!", format: "text", partials: { p: "{{node}}" } }, "node-1!"],
    [
      "a value, escaped for its place",
      { template: 'return 200 {{key "a"}};', format: "nginx", keys: { a: "x; }" } },
      'return 200 "x; }";',
    ],
    ["the format of dest", { template: '{ "a": {{key "a"}} }', dest: "/etc/a.json", keys: { a: "yes" } }, '{ "a": "yes" }'],
    ["the format of a template's name", { template: 'a: {{key "a"}}', name: "a.yaml.hbs", keys: { a: "yes" } }, 'a: "yes"'],
  ])("%s", (_, options, text) => {
    expect(render(options).text).toBe(text);
  });

  it("prints the generation that a target of this one file has", () => {
    const text = "# \uf8ffgeneration\uf8ff\n";
    const { generation, text: printed } = render({ template: "# {{generation}}\n", format: "text", dest: "/etc/a" });
    expect(generation).toBe(generationOf([{ dest: "/etc/a", text }]));
    expect(printed).toBe(`# ${generation}\n`);
    expect(render({ template: "# {{generation}}\n", format: "text", dest: "/etc/b" }).generation).not.toBe(generation);
  });

  it("names what was read, and what is not there too", () => {
    const services = { web: [{ address: "a", port: 1 }], db: [{ address: "b", port: 2 }] };
    const keys = { "a/b": "1", "a/c": "2", d: "3" };
    const reads = (template: string) => render({ template, format: "text", services, keys }).reads;
    expect(reads('{{#each (service "nope")}}{{/each}}{{key "x" default=""}}')).toEqual({ services: ["nope"], keys: ["x"] });
    expect(reads('{{#each services}}{{/each}}{{#each (keys "a/")}}{{/each}}')).toEqual({
      services: ["db", "web"],
      keys: ["a/b", "a/c"],
    });
    expect(reads("")).toEqual({ services: [], keys: [] });
  });

  it("begins in a service, as a file with forEach does", () => {
    const options = { template: "{{name}}:{{#each instances}} {{addr}}{{/each}}", format: "text" } as const;
    const services = { web: [{ address: "a", port: 1 }], db: [{ address: "b", port: 2 }] };
    expect(render({ ...options, services, service: "db" })).toMatchObject({ text: "db: b:2", reads: { services: ["db"] } });
    expect(errorOf(() => render({ ...options, services, service: "x" }))).toMatchObject({
      code: "USAGE",
      message: 'there is no service "x"',
    });
  });

  it("leaves an instance out whose value cannot stand, if that is wanted (G7)", () => {
    const services = {
      web: [
        { address: "a", port: 1, id: "good", meta: { v: "1" } },
        { address: "b", port: 2, id: "bad", meta: { v: "$x" } },
      ],
    };
    const options = {
      template: '{{#each (service "web")}}\nserver {{addr}} {{meta.v}};\n{{/each}}\n',
      format: "nginx",
      services,
    } as const;
    expect(errorOf(() => render(options)).code).toBe("TEMPLATE_UNSAFE");
    const { text, setAside } = render({ ...options, onUnsafe: "skip-instance" });
    expect(text).toBe("server a:1 1;\n");
    expect(setAside).toEqual([
      {
        service: "web",
        id: "bad",
        reason: expect.not.stringContaining("$x"),
        location: { file: "template", line: 2, column: expect.any(Number) },
      },
    ]);
  });

  it("has no text of a service whose name cannot stand", () => {
    const options = { template: "upstream {{name}} { }\n", format: "nginx", onUnsafe: "skip-instance" } as const;
    const error = errorOf(() => render({ ...options, services: { a$b: [{ address: "a", port: 1 }] }, service: "a$b" }));
    expect(error).toMatchObject({ code: "TEMPLATE_UNSAFE", location: { file: "template", line: 1 } });
  });

  it("leaves the caller's objects as they are", () => {
    const web = [{ address: "a", port: 1, tags: ["x"], meta: { a: "b" } }];
    render({ template: "{{#each services}}{{/each}}", format: "text", services: { web } });
    web[0]?.tags.push("y");
    expect(web).toEqual([{ address: "a", port: 1, tags: ["x", "y"], meta: { a: "b" } }]);
  });
});

describe("what goes wrong is a FairleadError with code, place and hint", () => {
  it.each<[string, unknown, Record<string, unknown>]>([
    [
      "a template that cannot be parsed",
      { template: "a\n{{#if x}}", format: "text" },
      { code: "TEMPLATE_SYNTAX", location: { file: "template", line: 2 } },
    ],
    [
      "an unknown helper",
      { template: "{{lowr 'a'}}", format: "text", name: "a.hbs" },
      { code: "TEMPLATE_SYNTAX", hint: 'did you mean "lower"?', location: { file: "a.hbs", line: 1, column: 1 } },
    ],
    ["an unknown partial", { template: "{{> q}}", format: "text", partials: { p: "" } }, { code: "TEMPLATE_SYNTAX" }],
    [
      "an error in a partial",
      { template: "{{> p}}", format: "text", partials: { p: "{{key 'a'}}" } },
      { code: "KEY_MISSING", location: { file: "p.hbs", line: 1 } },
    ],
    [
      "a missing key",
      { template: "\n{{key 'a/b'}}", format: "text" },
      { code: "KEY_MISSING", location: { file: "template", line: 2 } },
    ],
    [
      "a value that cannot stand there",
      { template: "{{key 'a'}}", format: "nginx", keys: { a: "$x" } },
      { code: "TEMPLATE_UNSAFE", location: { line: 1, column: 1 } },
    ],
    ["no template", { format: "text" }, { code: "USAGE", message: 'render() needs "template", the text of the template' }],
    ["no format", { template: "" }, { code: "USAGE", hint: expect.stringContaining("nginx, haproxy") }],
    ["no options", undefined, { code: "USAGE", message: "render() needs an object of options" }],
    [
      "a format that is none",
      { template: "", format: "ngnix" },
      { code: "USAGE", message: expect.stringContaining('"format" has to be one of nginx,') },
    ],
    [
      "an option that is none",
      { template: "", format: "text", servces: {} },
      { code: "USAGE", message: 'render() knows no option "servces"', hint: 'did you mean "services"?' },
    ],
    [
      "an option of another kind",
      { template: "", format: "text", node: 5 },
      { code: "USAGE", message: 'render(): "node" has to be a text' },
    ],
    [
      "services that are a list",
      { template: "", format: "text", services: [] },
      { code: "USAGE", message: "services: `services` is no map of names" },
    ],
    [
      "an instance without a port",
      { template: "", format: "text", services: { web: [{ address: "a", port: 1 }, { address: "b" }] } },
      { code: "USAGE", message: 'services["web"][1]: the instance has no `port`' },
    ],
    [
      "a node that is no text",
      { template: "", format: "text", services: { web: [{ address: "a", port: 1, node: 5 }] } },
      { code: "USAGE", message: 'services["web"][0]["node"]: `node` is not a text' },
    ],
    [
      "a number among the keys, and one more mistake",
      { template: "", format: "text", services: { web: 1 }, keys: { a: 1 } },
      { code: "USAGE", message: 'services["web"]: service "web" is no list of instances (and 1 more)' },
    ],
    [
      "a key that is there twice",
      { template: "", format: "text", keys: { a: "", "/a": "" } },
      { code: "USAGE", message: 'keys["/a"]: the key "a" is there twice' },
    ],
  ])("%s", (_, options, error) => {
    expect(errorOf(() => render(options as TemplateOptions))).toMatchObject(error);
  });

  it("never holds a value", () => {
    const { message, hint } = errorOf(() => render({ template: "{{key 'a'}}", format: "nginx", keys: { a: "hunter2$" } }));
    expect(`${message} ${hint}`).not.toContain("hunter2");
  });
});

describe("compile", () => {
  it("renders many times; one failure leaves nothing behind", () => {
    const template = compile({ template: 'a {{key "a"}}', format: "text" });
    expect(errorOf(() => template.render()).code).toBe("KEY_MISSING");
    expect(template.render({ keys: { a: "1" } }).text).toBe("a 1");
    expect(errorOf(() => template.render({ keys: { b: "1" } })).code).toBe("KEY_MISSING");
    expect(template.render({ keys: { a: "2" } }).text).toBe("a 2");
  });

  it("finds what is wrong or doubtful, without data", () => {
    const options = { template: "{{{x}}} {{nope 1}}", format: "nginx" } as const;
    expect(compile(options).findings.map(({ code, severity }) => [code, severity])).toEqual([
      ["TEMPLATE_UNSAFE", "warning"],
      ["TEMPLATE_SYNTAX", "error"],
    ]);
    expect(compile({ ...options, template: "{{{x}}}", allowRaw: true }).findings).toEqual([]);
  });
});

describe("every example in the comments is true", async () => {
  const source = await readFile(new URL("../../../src/compose/embed.ts", import.meta.url), "utf8");
  const examples = [...source.matchAll(/^ \* @example (.+)$/gm)].map(([, code = ""]) => code);
  it("there are some", () => {
    expect(examples.length).toBeGreaterThan(3);
  });
  it.each(examples)("%s", (code) => {
    const example = compileFunction(`return ${code};`, ["render", "compile"]);
    expect(example(render, compile)).toBe(true);
  });
});
