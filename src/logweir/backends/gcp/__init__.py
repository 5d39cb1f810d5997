"""Google Cloud: Pub/Sub and Firestore."""
