import { CopyButton } from "@carbon/react";
import { Link, useSearchParams } from "wouter";
import type { Field } from "../../api/assets";
import type { DeploymentGlance } from "../../api/deployments";
import { useAddress } from "../../kit/address";
import { Section } from "../../kit/Section";

interface SnippetProps {
  space: string;
  deployment: DeploymentGlance;
  fields: Field[];
}

/** How a program runs a job of the deployment: ready to paste, but for the key. */
export function Snippet({ space, deployment, fields }: SnippetProps) {
  const [search] = useSearchParams();
  const address = useAddress();
  const curl = search.get("by") === "curl";
  const text = (curl ? byCurl : byPython)(location.origin, space, deployment.id, fields);
  const copy = <CopyButton align="left" iconDescription="Copy the snippet" onClick={() => void navigator.clipboard?.writeText(text)} />;
  return (
    <Section title="From a program" actions={copy}>
      <nav className="chips" aria-label="Language">
        <Link href={address({ by: null })} aria-current={curl ? undefined : "true"}>
          Python
        </Link>
        <Link href={address({ by: "curl" })} aria-current={curl ? "true" : undefined}>
          curl
        </Link>
      </nav>
      <div className="sideways" tabIndex={0} role="region" aria-label="Snippet">
        <pre>{text}</pre>
      </div>
    </Section>
  );
}

type Cell = number | boolean | string;

const example = ({ type }: Field): Cell => (/int|long|float|double|decimal|num|real/.test(type) ? 1 : /bool/.test(type) ? true : "text");

/** One row that fits the schema. */
function body(fields: Field[]): { fields: string[]; values: Cell[][] } {
  const named = fields.length > 0 ? fields : [{ name: "a column", type: "double" }];
  return { fields: named.map(({ name }) => name), values: [named.map(example)] };
}

function pythonOf({ fields, values }: { fields: string[]; values: Cell[][] }): string {
  const cells = values[0]?.map((cell) => (cell === true ? "True" : JSON.stringify(cell)));
  return `{"fields": ${JSON.stringify(fields)}, "values": [[${cells?.join(", ")}]]}`;
}

const byPython = (url: string, space: string, id: string, fields: Field[]) => `import os
from ibm_watsonx_ai import APIClient, Credentials

client = APIClient(Credentials(
    url="${url}", username=os.environ["GRISTMILL_USER"], api_key=os.environ["GRISTMILL_API_KEY"],
    instance_id="openshift",  # with TLS also verify="gristmill-data/tls/ca.pem"
))
client.set.default_space("${space}")
rows = ${pythonOf(body(fields))}
meta = {client.deployments.ScoringMetaNames.INPUT_DATA: [rows]}
job = client.deployments.create_job("${id}", meta)
print(client.deployments.get_job_details(client.deployments.get_job_id(job)))
`;

const byCurl = (url: string, space: string, id: string, fields: Field[]) => `# A token lasts 12 hours; it comes from your API key.
TOKEN=$(curl -s ${url}/icp4d-api/v1/authorize -H "Content-Type: application/json" \\
    -d "{\\"username\\": \\"$GRISTMILL_USER\\", \\"api_key\\": \\"$GRISTMILL_API_KEY\\"}" | jq -r .token)
curl ${url}/ml/v4/deployment_jobs?version=2026-10-14 -H "Authorization: Bearer $TOKEN" \\
    -H "Content-Type: application/json" -d '${JSON.stringify(
      { name: "from curl", space_id: space, deployment: { id }, scoring: { input_data: [body(fields)] } },
    ).replaceAll("'", "'\\''")}'
`;
