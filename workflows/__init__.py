"""What happens when: durable state machines, thin."""
