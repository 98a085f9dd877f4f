import { Search } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { type Found, findsQuery, LEAST_LETTERS } from "../api/finds";
import { Problem } from "../kit/Problem";
import { paths } from "../paths";

const PAUSE_MS = 200;

/** Finds jobs, deployments and assets by name, and whatever has an id, across all spaces. */
export function Find({ close }: { close: () => void }) {
  const [typed, setTyped] = useState("");
  const [text, setText] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const { data, error } = useQuery(findsQuery(text));
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    const timer = setTimeout(() => setText(typed.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
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
            <Link href={addressOf(each)} onClick={close}>
              {each.name}
            </Link>{" "}
            <small>
              {each.type?.replaceAll("_", " ") ?? each.kind} in {each.space_name}
            </small>
          </li>
        ))}
      </ul>
    </search>
  );
}

function addressOf({ kind, id, space_id: space, job_id: job }: Found): string {
  if (kind === "job") return paths.job(space, id);
  if (kind === "run" && job) return paths.run(space, job, id);
  return `${paths.tab(space, kind === "deployment" ? "deployments" : "assets")}/${id}`;
}
