"""The site: the whole report as a folder of pages that opens from disk, without a server and without a network."""
