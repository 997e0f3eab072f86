"""What the app, the console and the command line talk to."""
