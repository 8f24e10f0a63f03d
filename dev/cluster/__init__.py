"""What stands under deploy/k8s, rendered and checked before any cluster sees it."""
