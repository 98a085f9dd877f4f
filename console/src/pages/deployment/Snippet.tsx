import type { Field, Schemas } from "../../api";
import { CopyThat, FilterChips, Section, useParams } from "../../kit";

type Deployment = Schemas["DeploymentGlance"];

/** How a program runs a job of the deployment: ready to paste, but for the key. */
export function Snippet({ space, deployment, fields }: { space: string; deployment: Deployment; fields: Field[] }) {
  const text = (useParams("by").by === "curl" ? byCurl : byPython)(location.origin, space, deployment, fields);
  return (
    <Section title="From a program" actions={<CopyThat text={text} what="the snippet" />}>
      <FilterChips name="by" label="Language" chips={[[null, "Python"], ["curl", "curl"]]} />
      <div className="sideways" tabIndex={0} role="region" aria-label="Snippet"><pre>{text}</pre></div>
    </Section>
  );
}

const example = ({ type }: Field) => (/int|long|float|double|decimal|num|real/.test(type) ? 1 : /bool/.test(type) ? true : "text");

/** What to work on, by the client's names of it: one row that fits the schema; for a script, data assets. */
function work(type: string, fields: Field[]): Record<string, unknown> {
  const output = { type: "data_asset", location: { name: "output.zip" } };
  if (type === "script") return { INPUT_DATA_REFERENCES: [], OUTPUT_DATA_REFERENCE: output };
  const named = fields.length > 0 ? fields : [{ name: "a column", type: "double" }];
  return { INPUT_DATA: [{ fields: named.map(({ name }) => name), values: [named.map(example)] }] };
}

/** Of JSON, only the words of truth are not Python. */
const python = (value: unknown) => JSON.stringify(value).replace(/(?<=[[,])true(?=[\],])/g, "True");

const byPython = (url: string, space: string, { id, asset_type: type }: Deployment, fields: Field[]) => `import os
from ibm_watsonx_ai import APIClient, Credentials

client = APIClient(Credentials(
    url=${url.startsWith("https:") ? `"${url}"` : 'os.environ["GRISTMILL_URL"]'},  # the client takes nothing but https
    username=os.environ["GRISTMILL_USER"], api_key=os.environ["GRISTMILL_API_KEY"],
    instance_id="openshift", verify=os.environ.get("GRISTMILL_CA"),
))
client.set.default_space("${space}")
names = client.deployments.ScoringMetaNames
job = client.deployments.create_job("${id}", {
${Object.entries(work(type, fields)).map(([name, value]) => `    names.${name}: ${python(value)},\n`).join("")}})
print(client.deployments.get_job_details(client.deployments.get_job_id(job)))
`;

function byCurl(url: string, space: string, { id, asset_type: type }: Deployment, fields: Field[]): string {
  const scoring = Object.fromEntries(Object.entries(work(type, fields)).map(([name, value]) => [name.toLowerCase(), value]));
  const body = JSON.stringify({ name: "from curl", space_id: space, deployment: { id }, scoring }).replaceAll("'", "'\\''");
  return `# A token lasts 12 hours; it comes from your API key.
TOKEN=$(curl -s ${url}/icp4d-api/v1/authorize -H "Content-Type: application/json" \\
    -d "{\\"username\\": \\"$GRISTMILL_USER\\", \\"api_key\\": \\"$GRISTMILL_API_KEY\\"}" | jq -r .token)
curl "${url}/ml/v4/deployment_jobs?version=2026-10-14" -H "Authorization: Bearer $TOKEN" \\
    -H "Content-Type: application/json" -d '${body}'
`;
}
