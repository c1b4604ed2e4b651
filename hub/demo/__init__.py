"""The main job, whole: a made-up county, its far sides with faults on, every route, and an account that must add up."""
