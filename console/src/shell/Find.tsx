import { Search } from "@carbon/react";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { LISTED, type Schemas, useRead } from "../api";
import { Facts, Problem, useSettled, words } from "../kit";
import { paths } from "../paths";

const LEAST_LETTERS = 2;

/** Finds jobs, deployments and assets by name, and whatever has an id, across all spaces. */
export function Find({ close }: { close: () => void }) {
  const [typed, setTyped] = useState("");
  const text = useSettled(typed.trim(), 200);
  const field = useRef<HTMLInputElement>(null);
  const { placeholderData } = LISTED;
  const { data, error } = useRead("/v2/finds", { text }, { enabled: text.length >= LEAST_LETTERS, placeholderData });
  useEffect(() => field.current?.focus(), []);
  const found = text.length >= LEAST_LETTERS ? data?.results : undefined;
  return (
    <search className="find" aria-label="Everything">
      <Search
        ref={field}
        size="lg"
        labelText="Find by name or id"
        placeholder="A job, deployment or asset by name, or anything by id"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && close()}
      />
      <Problem error={error} />
      <p className="muted" role="status">
        {found ? (found.length === 0 ? "Nothing is called like that" : `${found.length} found`) : "Two letters or more"}
      </p>
      <ul>
        {found?.map((each) => (
          <li key={each.id}>
            <Link href={addressOf(each)} onClick={close}>{each.name}</Link>{" "}
            <small>{each.type ? words(each.type) : each.kind} in {each.space_name}</small>
          </li>
        ))}
      </ul>
    </search>
  );
}

function addressOf({ kind, id, space_id: space, job_id: job }: Schemas["FoundLine"]): string {
  if (kind === "job") return paths.job(space, id);
  if (kind === "run" && job) return paths.run(space, job, id);
  return `${paths.tab(space, kind === "deployment" ? "deployments" : "assets")}/${id}`;
}

/** The keys that do something everywhere. */
const KEYS = { "/": "Find something by name or id", "?": "Show these keys", Esc: "Close what is open" };

export const Keys = () => (
  <section className="find" aria-label="Keys">
    <h2>Keys</h2>
    <Facts className="keys" facts={Object.entries(KEYS)} />
  </section>
);

/** Whether a key is text that somebody types. */
export const isTyped = ({ target, ctrlKey, metaKey, altKey }: KeyboardEvent) =>
  ctrlKey || metaKey || altKey || (target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]"));
