import { Button, Modal } from "@carbon/react";
import { TrashCan } from "@carbon/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Problem } from "./Problem";

interface ConfirmDeleteProps {
  what: string;
  remove: () => Promise<unknown>;
  done: () => Promise<void>;
  /** Where deleting would be refused. */
  blocked?: boolean;
  /** What breaks. */
  children: ReactNode;
}

/** A button that deletes after saying what breaks. */
export function ConfirmDelete({ what, remove, done, blocked = false, children }: ConfirmDeleteProps) {
  const [open, setOpen] = useState(false);
  const gone = useMutation({ mutationFn: remove, onSuccess: done });
  return (
    <>
      <Button kind="danger--ghost" renderIcon={TrashCan} onClick={() => setOpen(true)}>
        Delete
      </Button>
      {open && (
        <Modal
          open
          danger
          size="sm"
          modalHeading={`Delete ${what}?`}
          primaryButtonText="Delete"
          primaryButtonDisabled={blocked || gone.isPending}
          secondaryButtonText="Cancel"
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
