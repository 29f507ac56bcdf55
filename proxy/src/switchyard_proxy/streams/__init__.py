"""Streams that outlive their listeners: logged event by event, read again from any event."""
