import { ProgressBar } from "@carbon/react";
import { FINAL, type LogLines, type Run } from "../../api/runs";
import { Status } from "../../kit/Status";
import { useLiveNow } from "../../kit/useLiveNow";
import { percent, sentence } from "./sentence";
import { goToLine } from "./useLine";

/** The one line that says it all; where the run failed, why, with the first line of its log that tells of it. */
export function RunHead({ run, trouble }: { run: Run; trouble: LogLines | undefined }) {
  const { state, failure, warning, waiting } = run.entity.job_run;
  const done = percent(run);
  const line = trouble?.results[0];
  return (
    <div className="headline">
      <p>
        <Status state={state} /> <span>{sentence(run, useLiveNow(!FINAL.includes(state)))}</span>
      </p>
      {done !== null && state === "Running" && <ProgressBar hideLabel label={`${done} % done`} value={done} />}
      {waiting && <p>{waiting.reason}</p>}
      {failure && (
        <p className="cause">
          {failure.message} <code>{failure.code}</code>{" "}
          {line && (
            <a
              href={`#L${line.number}`}
              onClick={(event) => {
                event.preventDefault();
                goToLine(line.number);
              }}
            >
              {`Line ${line.number.toLocaleString("en")} of the log`}
            </a>
          )}
        </p>
      )}
      {warning && <p className="warning">{warning}</p>}
    </div>
  );
}
