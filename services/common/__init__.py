"""What every service needs: server kit, settings, errors, time, ids, signing, stores, artifacts, metrics and traces.

Also what several services must agree on: consent, event types, strengths of actions, item state, tracking tokens.
"""
