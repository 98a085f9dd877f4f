import { TrashCan } from "@carbon/icons-react";
import { Button, Modal } from "@carbon/react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { send, useChange } from "../api";
import { Problem } from "./form";

interface ConfirmDeleteProps {
  what: string;
  at: string;
  /** The list that it goes from, in the API and here. */
  list: string;
  to: string;
  words?: [remove: string, keep: string];
  blocked?: boolean;
  children: ReactNode;
}

/** A button that deletes after saying what breaks. */
export function ConfirmDelete({ what, at, list, to, words: [yes, no] = ["Delete", "Cancel"], blocked = false, children }: ConfirmDeleteProps) {
  const [open, setOpen] = useState(false);
  const [, go] = useLocation();
  const gone = useChange(() => send("DELETE", at), list, () => go(to));
  return (
    <>
      <Button kind="danger--ghost" renderIcon={TrashCan} onClick={() => setOpen(true)}>Delete</Button>
      {open && (
        <Modal
          open
          danger
          size="sm"
          modalHeading={`Delete ${what}?`}
          primaryButtonText={yes}
          primaryButtonDisabled={blocked || gone.isPending}
          secondaryButtonText={no}
          onRequestSubmit={() => gone.mutate()}
          onRequestClose={() => setOpen(false)}
        >
          <Problem error={gone.error} title="It was not deleted" />
          {children}
        </Modal>
      )}
    </>
  );
}

interface ConsentProps {
  /** What the button says, and who or what is meant, for those who hear the page. */
  label: string;
  about: string;
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
  const consent = () => {
    setAsked(false);
    onConsent();
  };
  if (!asked)
    return (
      <Button kind="ghost" size="sm" disabled={pending} aria-label={`${label} ${about}`} onClick={() => setAsked(true)}>{label}</Button>
    );
  return (
    <div role="group" aria-label={`${label} ${about}?`} className="consent">
      <p>{question}</p>
      <div className="buttons">
        <Button kind="danger" size="sm" onClick={consent}>{label}</Button>
        <Button kind="secondary" size="sm" ref={keep} onClick={() => setAsked(false)}>Keep</Button>
      </div>
    </div>
  );
}
