import { Button, InlineLoading, Table, TableBody, TableCell, TableHead, TableHeader, TableRow } from "@carbon/react";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { previewRun } from "../../api/previewRuns";
import type { Target } from "../../api/jobTargets";
import { Problem } from "../../kit/Problem";
import { scoring } from "./body";
import type { StepProps } from "./StepBody";
import { missing } from "./steps";

const SHOWN = 10;

/** Scores the first rows now, in the model's real environment, before there is a job. */
export function PreviewRun({ space, target, draft, fields }: StepProps & { target: Target }) {
  const left = useRef(new AbortController());
  useEffect(() => {
    left.current = new AbortController();
    return () => left.current.abort();
  }, []);
  const run = useMutation({
    mutationFn: async () => {
      const lacking = missing("data", draft, target);
      if (lacking && !/^output/.test(lacking.field ?? "")) throw lacking;
      return previewRun(space, target.id, scoring(draft, target, fields), left.current.signal);
    },
  });
  const { data } = run;
  const rows = data?.tables.flatMap(({ values }) => values).slice(0, SHOWN) ?? [];
  return (
    <section className="preview" aria-label="Preview run" aria-live="polite">
      <Button kind="tertiary" size="sm" onClick={() => run.isPending || run.mutate()}>
        Try the first rows
      </Button>
      {run.isPending && <InlineLoading description="The first rows are being scored" />}
      <Problem error={run.error} title="The first rows were not scored" />
      {data && (
        <>
          <p>{data.told}</p>
          <div className="table" tabIndex={0} role="region" aria-label="Predictions">
            <Table size="sm" aria-label="Predictions of the first rows">
              <TableHead>
                <TableRow>
                  {data.tables[0]?.fields?.map((name) => (
                    <TableHeader key={name}>{name}</TableHeader>
                  ))}
                </TableRow>
              </TableHead>
              <TableBody>
                {rows.map((row, at) => (
                  <TableRow key={at}>
                    {row.map((value, place) => (
                      <TableCell key={place} data-label={data.tables[0]?.fields?.[place] ?? ""}>
                        {typeof value === "string" ? value : JSON.stringify(value)}
                      </TableCell>
                    ))}
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          </div>
        </>
      )}
    </section>
  );
}
