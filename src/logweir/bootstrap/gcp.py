"""Google Cloud: Pub/Sub and Firestore, or their emulators."""
