"""What runs on a person's own machine: the trust ceremony, the approval app, courier bundles, enrolment."""
