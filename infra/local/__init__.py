"""The whole system on one machine: functions, dispatcher, monitor tick, simulated fal.ai, emulators."""
