import { WarningAltFilled } from "@carbon/icons-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { SpaceGlance, SpaceGlances } from "../../api/spaces";
import { Time } from "../../kit/Time";
import { paths } from "../../paths";

const MOST_OF_A_SPACE = 5;

/** What needs somebody, across all spaces on the page; nothing where all is well. */
export function Attention({ spaces }: { spaces: SpaceGlances }) {
  const found = [...ofAll(spaces), ...spaces.results.flatMap(ofSpace)];
  if (found.length === 0) return null;
  return (
    <section className="attention" aria-labelledby="attention">
      <h2 id="attention">
        <WarningAltFilled aria-hidden /> Needs attention
      </h2>
      <ul>{found.map(([key, text]) => <li key={key}>{text}</li>)}</ul>
    </section>
  );
}

type Item = [key: string, text: ReactNode];

function ofAll({ workers, has_credential, results }: SpaceGlances): Item[] {
  const items: Item[] = [];
  if (workers === 0) items.push(["workers", "No worker is alive: nothing that waits will start."]);
  if (!has_credential && results.length > 0)
    items.push(["credential", <>You have no task credential, and your runs need one. <Link href={paths.profile}>Your profile</Link> makes it.</>]);
  return items;
}

function ofSpace(space: SpaceGlance): Item[] {
  const items: Item[] = space.failing.slice(0, MOST_OF_A_SPACE).map((job) => [
    job.job_id,
    <>
      <Link href={paths.job(space.id, job.job_id)}>{job.name}</Link> in {space.name} fails, last <Time at={job.at} />.
    </>,
  ]);
  const more = space.failing.length - MOST_OF_A_SPACE;
  if (more > 0) items.push([`${space.id} more`, <Link href={paths.jobs(space.id, "failing")}>{more} more jobs fail in {space.name}</Link>]);
  if (space.late > 0)
    items.push([`${space.id} late`, <Link href={paths.jobs(space.id, "late")}>{space.late} late in {space.name}</Link>]);
  if (space.paused && space.queued > 0)
    items.push([`${space.id} paused`, <>{space.name} is paused, and {space.queued} runs wait.</>]);
  return items;
}
