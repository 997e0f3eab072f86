/** What an OpenAPI document says, made ready to be shown. Pure. */

const METHODS = ["get", "post", "put", "patch", "delete"];
// deeper than this an example says nothing that its parts do not say better
const DEEPEST = 6;

/**
 * Every operation under its first tag, in the order of the document.
 * @param {Object} document
 * @returns {{tag: string, operations: Object[]}[]}
 */
export function chapters(document) {
  const byTag = new Map();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((each) => methods[each])) {
      const operation = operationOf(path, method, methods[method]);
      byTag.set(operation.tag, [...(byTag.get(operation.tag) ?? []), operation]);
    }
  }
  return [...byTag].map(([tag, operations]) => ({ tag, operations }));
}

function operationOf(path, method, said) {
  const { operationId: id, tags = ["other"], summary = "", description = "", parameters = [], requestBody, responses } = said;
  const body = requestBody ? contentOf(requestBody) : null;
  const answers = Object.entries(responses).map(([status, answer]) => ({ status, words: answer.description, ...contentOf(answer) }));
  const names = parameters.map((parameter) => parameter.name);
  const text = [method, path, summary, description, ...tags, ...names, body?.schema?.$ref].join(" ").toLowerCase();
  return { id, tag: tags[0], title: sentence(summary), method, path, description, parameters, body, answers, text, signedIn: Boolean(said.security) };
}

/** The type and the schema of what is sent or answered; neither where nothing is said of it. */
function contentOf({ content = {} }) {
  const [type, { schema = null } = {}] = Object.entries(content)[0] ?? [null];
  return { type, schema };
}

/** "List Images Of Model" → "List images of model". */
function sentence(title) {
  return title.charAt(0) + title.slice(1).toLowerCase();
}

/** The schema that a reference stands for; any other as it is. */
export function resolved(document, schema) {
  return schema?.$ref ? document.components.schemas[nameOf(schema)] : schema ?? {};
}

function nameOf({ $ref }) {
  return $ref.split("/").at(-1);
}

/** The kinds of values that a schema allows besides null. */
function choices(schema) {
  return (schema.anyOf ?? schema.oneOf ?? [schema]).filter(({ type }) => type !== "null");
}

/** "string", "list of ImagesView", "integer or null". */
export function typeWords(document, schema) {
  const kinds = choices(schema).map((kind) => kindWords(document, kind));
  const isNullable = (schema.anyOf ?? []).some(({ type }) => type === "null");
  return [...new Set(kinds), ...(isNullable ? ["null"] : [])].join(" or ");
}

function kindWords(document, schema) {
  if (schema.$ref) return resolved(document, schema).enum ? "string" : titleOf(nameOf(schema));
  if (schema.type === "array") return `list of ${typeWords(document, schema.items ?? {})}`;
  if (schema.anyOf) return typeWords(document, schema);
  if (schema.format === "date-time") return "time";
  if (schema.enum) return "string";
  return schema.type ?? "anything";
}

/** "PageView_ImagesView_" → "PageView of ImagesView"; of two of one name, whose they are is left out. */
function titleOf(name) {
  return name.split("__").at(-1).replace(/_(\w+?)_$/, " of $1");
}

/** What a value has to be besides its type, in words: "1 to 100", "one of a, b", "at most 255 characters". */
export function boundWords(document, schema) {
  const [first = {}] = choices(schema).map((kind) => resolved(document, kind.type === "array" ? kind.items ?? {} : kind));
  const [whole = {}] = choices(schema);
  return [
    first.enum ? `one of ${first.enum.join(", ")}` : null, between(first.minimum, first.maximum, ""),
    between(first.minLength, first.maxLength, "characters"), between(whole.minItems, whole.maxItems, "of them"),
    schema.default === undefined || schema.default === null ? null : `${JSON.stringify(schema.default)} where it is left out`,
  ].filter(Boolean).join("; ");
}

function between(least, most, unit) {
  const numbers = least === undefined && most === undefined ? null
    : most === undefined ? `${least} or more` : least === undefined ? `at most ${most}` : `${least} to ${most}`;
  return numbers && `${numbers} ${unit}`.trim();
}

/**
 * The object whose members are worth showing: of a list that of its items, of null or something the something.
 * @returns {{name: string, schema: Object}|null} null where it is no object, or says nothing of its members
 */
export function objectIn(document, schema) {
  for (const kind of choices(schema)) {
    if (kind.type === "array") return objectIn(document, kind.items ?? {});
    const whole = resolved(document, kind);
    if (whole.properties) return { name: kind.$ref ? titleOf(nameOf(kind)) : whole.title ?? "object", schema: whole };
  }
  return null;
}

/** A value that the schema allows: the one that it gives as an example, else one made of its parts. */
export function exampleOf(document, schema, depth = 0) {
  const whole = resolved(document, choices(schema)[0] ?? {});
  const given = schema.examples?.[0] ?? schema.example ?? whole.examples?.[0] ?? schema.default ?? whole.default ?? whole.const ?? whole.enum?.[0];
  if (given !== undefined && given !== null) return given;
  if (whole.anyOf) return exampleOf(document, whole, depth);
  if (whole.type === "array") return depth < DEEPEST ? [exampleOf(document, whole.items ?? {}, depth + 1)] : [];
  if (whole.properties) return depth < DEEPEST ? membersOf(document, whole, depth) : {};
  return { integer: whole.minimum ?? 1, number: whole.minimum ?? 1, boolean: true, object: {} }[whole.type] ?? (whole.format === "date-time" ? "2026-01-01T00:00:00Z" : "…");
}

function membersOf(document, { properties }, depth) {
  return Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, exampleOf(document, member, depth + 1)]));
}

/** What is sent in an example: what has to be, and what the schema's own example has. */
export function bodyExample(document, schema) {
  const whole = resolved(document, schema);
  if (whole.examples?.length || !whole.properties) return exampleOf(document, schema);
  const needed = (whole.required ?? []).map((name) => [name, exampleOf(document, whole.properties[name], 1)]);
  return Object.fromEntries(needed);
}

/** The request as a command; what stands in capitals is to be filled in. */
export function curlOf(document, operation, { origin, bearer }) {
  const path = operation.path.replace(/{(\w+)}/g, (_, name) => name.toUpperCase());
  const needed = operation.parameters.filter((parameter) => parameter.in === "query" && parameter.required);
  const query = needed.map(({ name }) => `${name}=${name.toUpperCase()}`).join("&");
  const hasKey = operation.parameters.some(({ name }) => name === "Idempotency-Key");
  return [
    `curl${operation.method === "get" ? "" : ` -X ${operation.method.toUpperCase()}`} '${origin}${path}${query ? `?${query}` : ""}'`,
    bearer && operation.signedIn ? '-H "Authorization: Bearer $TOKEN"' : null,
    hasKey ? '-H "Idempotency-Key: $(uuidgen)"' : null,
    operation.body ? `--json '${JSON.stringify(bodyExample(document, operation.body.schema)).replaceAll("'", "'\\''")}'` : null,
    operation.method === "put" ? "--upload-file FILE" : null,
  ].filter(Boolean).join(" \\\n  ");
}
