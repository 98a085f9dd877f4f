import { Button } from "@carbon/react";
import { useEffect, useRef, useState } from "react";

interface ConsentProps {
  /** What the button says, and who or what is meant, for those who hear the page. */
  label: string;
  about: string;
  /** What is lost by it. */
  question: string;
  pending?: boolean;
  onConsent: () => void;
}

/** A button that asks before it does what cannot be undone; in place, so that nothing covers what it is about. */
export function Consent({ label, about, question, pending = false, onConsent }: ConsentProps) {
  const [asked, setAsked] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (asked) keep.current?.focus();
  }, [asked]);
  if (!asked)
    return (
      <Button kind="ghost" size="sm" disabled={pending} aria-label={`${label} ${about}`} onClick={() => setAsked(true)}>
        {label}
      </Button>
    );
  return (
    <div role="group" aria-label={`${label} ${about}?`} className="consent">
      <p>{question}</p>
      <div className="buttons">
        <Button
          kind="danger"
          size="sm"
          onClick={() => {
            setAsked(false);
            onConsent();
          }}
        >
          {label}
        </Button>
        <Button kind="secondary" size="sm" ref={keep} onClick={() => setAsked(false)}>
          Keep
        </Button>
      </div>
    </div>
  );
}
