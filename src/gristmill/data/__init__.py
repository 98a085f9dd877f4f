"""Connected data: tables as streams of Arrow record batches, files as files. One file a kind of source."""
