"""What a provider declares before a run: the policy, read, explained and checked."""
