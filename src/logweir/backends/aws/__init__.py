"""AWS: SQS and DynamoDB."""
