"""Files and pictures of conversations: taken in by pieces, checked, kept on disk, given to members by short-lived links."""
