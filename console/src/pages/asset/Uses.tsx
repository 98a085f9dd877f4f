import { Link } from "wouter";
import type { AssetUses, UseGlance } from "../../api/assets";
import { paths } from "../../paths";

/** What would miss an asset; nothing is said where there is nothing and it is to be ``quiet``. */
export function Uses({ space, uses, quiet = false }: { space: string; uses: AssetUses; quiet?: boolean }) {
  const rows: [UseGlance, string, string][] = [
    ...uses.deployments.map((use): [UseGlance, string, string] => [use, "deployment", paths.deployment(space, use.id)]),
    ...uses.jobs.map((use): [UseGlance, string, string] => [use, `job, ${use.how} it`, paths.job(space, use.id)]),
    ...uses.assets.map((use): [UseGlance, string, string] => [use, "data behind it", paths.asset(space, use.id)]),
  ];
  if (rows.length === 0) return quiet ? null : <p className="muted">Nothing here refers to it.</p>;
  return (
    <ul>
      {rows.map(([use, what, to]) => (
        <li key={use.id}>
          <Link href={to}>{use.name}</Link> <span className="muted">({what})</span>
        </li>
      ))}
    </ul>
  );
}

export function MadeBy({ space, maker }: { space: string; maker: NonNullable<AssetUses["made_by"]> }) {
  return (
    <>
      {maker.run_name ? <Link href={paths.run(space, maker.job_id, maker.run_id)}>{maker.run_name}</Link> : "A run that is gone"} of{" "}
      {maker.job_name ? <Link href={paths.job(space, maker.job_id)}>{maker.job_name}</Link> : "a job that is gone"}
    </>
  );
}
