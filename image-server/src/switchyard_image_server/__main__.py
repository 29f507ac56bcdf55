"""`python -m switchyard_image_server`: the same as the command of that name."""

from switchyard_image_server.cli import main

if __name__ == "__main__":
    main()
