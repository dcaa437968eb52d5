"""What a person calls: the command ``vqa``, one file per sub-command; what dvc.yaml calls is in ``stages/``.

It may use every room, and imports what takes long inside the commands, so that help and errors come at once.
"""
