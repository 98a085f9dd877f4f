import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";

/** A change of something on the server, after which what was read below a key is read again. */
export function useChange<T = void, R = unknown>(change: (given: T) => Promise<R>, key: QueryKey, done?: (made: R) => void) {
  const client = useQueryClient();
  return useMutation<R, Error, T>({
    mutationFn: change,
    onSuccess: async (made) => {
      done?.(made);
      await client.invalidateQueries({ queryKey: key });
    },
  });
}
